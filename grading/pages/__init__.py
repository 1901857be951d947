"""How a page looks: HTML, formulas, templates."""
