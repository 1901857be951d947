// Figures that move: ask first, then draw the state that was computed when the site was built.
"use strict";
const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "g", "line", "polyline", "circle", "path", "text"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const H = 380, LEFT = 84, RIGHT = 14, TOP = 14, BOTTOM = 46;

function start(section) {
  const figure = JSON.parse(section.querySelector("script").textContent);
  const W = section.parentElement.clientWidth < 500 ? 400 : 640;      // letters stay readable on a phone
  const id = section.id, known = new Map();      // what was predicted for which choice
  const x = value => LEFT + (value - figure.x.from) / (figure.x.to - figure.x.from) * (W - LEFT - RIGHT);
  const y = value => TOP + (figure.y.to - Math.min(Math.max(value, figure.y.from), figure.y.to)) /
    (figure.y.to - figure.y.from) * (H - TOP - BOTTOM);

  const choice = make("select", {id: `${id}-choice`}, ...figure.choice.values.map((name, i) => make("option", {value: i}, name)));
  const sliders = figure.sliders.map((one, i) => make("input", {type: "range", id: `${id}-${i}`, min: 0, max: one.values.length - 1,
    value: one.start, step: 1}));
  const controls = make("div", {class: "controls"});
  if (figure.choice.values.length > 1) controls.append(make("label", {for: choice.id}, figure.choice.label), choice, make("span"));
  const shown = figure.sliders.map((one, i) => {
    const output = make("output", {for: sliders[i].id});
    controls.append(make("label", {for: sliders[i].id}, one.label), sliders[i], output);
    return output;
  });
  const buttons = figure.options.map((text, i) => make("button", {type: "button"}, `${text}?`));
  const question = make("fieldset", {}, make("legend", {}, figure.ask), ...buttons);
  const says = make("p", {class: "says", "aria-live": "polite"});
  const picture = make("svg", {viewBox: `0 0 ${W} ${H}`, role: "img"});
  section.append(make("h3", {}, `Move it: ${figure.title.toLowerCase()}`), make("p", {}, "Predict before you see: answer, then move the sliders."),
    controls, question, picture, says);

  const key = pick => [pick, ...sliders.map(one => one.value)].join("/");
  const axes = () => {
    const group = make("g", {class: "axes"});
    for (const tick of figure.x.ticks) group.append(make("line", {x1: x(tick), x2: x(tick), y1: TOP, y2: H - BOTTOM}),
      make("text", {x: x(tick), y: H - BOTTOM + 18, "text-anchor": "middle"}, tick));
    for (const tick of figure.y.ticks) group.append(make("line", {x1: LEFT, x2: W - RIGHT, y1: y(tick), y2: y(tick)}),
      make("text", {x: LEFT - 8, y: y(tick) + 5, "text-anchor": "end"}, figure.y.decades ? `1e${tick}` : tick));
    group.append(make("text", {x: (LEFT + W - RIGHT) / 2, y: H - 8, "text-anchor": "middle"}, figure.x.label),
      make("text", {transform: `translate(14 ${(TOP + H - BOTTOM) / 2}) rotate(-90)`, "text-anchor": "middle"}, figure.y.label));
    return group;
  };
  const line = (xs, ys, look) => make("polyline", {points: ys.map((value, i) => `${x(xs[i]).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
    class: `line look-${look}`});
  const draw = () => {
    shown.forEach((output, i) => {
      output.textContent = figure.sliders[i].values[sliders[i].value];
      sliders[i].setAttribute("aria-valuetext", output.textContent);      // what is heard is what is seen
    });
    const pick = Number(choice.value), state = figure.states[key(pick)], open = known.has(pick);
    const parts = [axes()], names = [];
    if (figure.curves) parts.push(line(figure.curves.x, figure.curves.y[pick], pick));
    for (const one of known.keys()) {
      const {y: ys, points} = figure.states[key(one)];
      if (ys) {
        parts.push(line(ys.map((_, i) => i), ys, one));
        let end = Math.max(TOP + 12, Math.min(y(ys[0]), H - BOTTOM - 6) - 12);
        while (names.some(other => Math.abs(other - end) < 18)) end -= 18;      // names stand above each other
        names.push(end);
        parts.push(make("text", {x: x(0) + 8, y: figure.choice.values.length > 1 ? end : TOP + 16, class: `name look-${one}`}, figure.choice.values[one]));
      } else if (one === pick) {
        for (const [z, a, flat] of points) parts.push(make(flat ? "path" : "circle", flat ?
          {d: `M${x(z) - 5} ${y(a) - 5}l10 10m0 -10l-10 10`, class: "flat"} : {cx: x(z), cy: y(a), r: 5, class: "lively"}));
      }
    }
    picture.replaceChildren(...parts);
    question.hidden = open;
    const about = `${figure.choice.values[pick]}, ${figure.sliders.map((one, i) => `${one.label} ${one.values[sliders[i].value]}`).join(", ")}`;
    says.textContent = open ? `${figure.choice.values[pick]}, ${state.says}` : "";
    picture.setAttribute("aria-label", open ? `${figure.title}: ${about}. ${state.says}` : `${figure.title}: empty axes until you have predicted.`);
  };
  buttons.forEach((button, i) => button.addEventListener("click", () => {
    const pick = Number(choice.value), state = figure.states[key(pick)];
    known.set(pick, i);
    draw();
    says.textContent = `${i === state.answer ? "You predicted it." : `You predicted: ${figure.options[i].toLowerCase()}.`} ${says.textContent}`;
    sliders[0].focus({preventScroll: true});
  }));
  for (const control of [choice, ...sliders]) control.addEventListener("input", draw);
  draw();
  section.hidden = false;
}
document.querySelectorAll("section.moves").forEach(start);
