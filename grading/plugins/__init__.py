"""All that bends nbgrader: what nbgrader_config.py names."""
