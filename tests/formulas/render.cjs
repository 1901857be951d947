// Render formulas with MathJax and with KaTeX: JSON [{tex, display}] on stdin, on stdout
// [{mathjax, katex, mathml}]: what each of the two complained of, or null, and what MathJax made of it.
const {createRequire} = require("module");
const from = createRequire(process.cwd() + "/");
const katex = from("katex");

const complaint = work => {
    try { work(); return null; } catch (error) { return String(error.message); }
};

from("mathjax").init({
    loader: {load: ["input/tex-full"]},
    startup: {typeset: false},
    // the first two would show what is unknown in red instead of refusing it, the others need a page
    tex: {packages: {"[-]": ["noundefined", "noerrors", "bussproofs", "autoload", "require"]}, formatError: (jax, error) => { throw error; }},
}).then(MathJax => {
    const formulas = JSON.parse(require("fs").readFileSync(0, "utf8"));
    process.stdout.write(JSON.stringify(formulas.map(({tex, display}) => {
        let mathml = null;
        return {
            mathjax: complaint(() => { mathml = MathJax.tex2mml(tex, {display}); }),
            katex: complaint(() => katex.renderToString(tex, {displayMode: display, throwOnError: true, strict: "error"})),
            mathml,
        };
    })));
});
