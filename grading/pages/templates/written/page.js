"use strict";
// One card for each answer. What is typed is kept in this browser until the server has it, so that no comment can vanish: leaving a
// field saves, Enter does so over what somebody else has saved in the meantime.
// Nothing is looked up by an id alone: headings of an answer may have any.
const facts = JSON.parse(document.querySelector("head script[type='application/json']").textContent);
const cards = [...document.querySelectorAll("article")];
const grader = document.querySelector("header #grader");
grader.value = localStorage.getItem("written-grader") || "";
grader.addEventListener("change", () => localStorage.setItem("written-grader", grader.value.trim()));

const number = (text) => (text.trim() === "" ? null : Number(text.replace(",", ".")));
const draft = (fact) => `written-${fact.grade}`;

function xsrf() {
  const found = document.cookie.match("\\b_xsrf=([^;]*)\\b");
  return found ? found[1] : "";
}

function show(card, fact) {
  const others = Object.entries(fact.graders).map(([name, score]) => `${name}: ${score}`);
  card.querySelector(".others").textContent = others.length ? `given so far: ${others.join(", ")}` : "";
  card.className = fact.waiting ? "waits" : "graded";
  card.querySelector("small").textContent = fact.waiting ? "waits" : "graded";
  document.querySelector("header #left").textContent = `${facts.cards.filter((one) => one.waiting).length} left`;
}

function changed(card, fact) {
  return number(card.score.value) !== fact.score || card.comment.value !== fact.text;
}

function tell(card, words, trouble = false) {
  const news = card.querySelector(".news");
  news.textContent = words;
  news.className = trouble ? "news trouble" : "news";
}

function fill(card, score, text) {
  card.score.value = score ?? "";
  card.comment.value = text;
}

function settled(card, fact) {
  localStorage.removeItem(draft(fact));
  card.conflict = false;
  tell(card, "");
}

// An answer that was changed after it was graded waits with its old score: Enter confirms that.
async function save(card, fact, confirmed = false) {
  if (card.saving) { await card.saving; }
  if (!changed(card, fact) && !(confirmed && fact.waiting && fact.score !== null)) {
    if (card.querySelector(".trouble")) { settled(card, fact); }
    return true;
  }
  if (card.conflict && !confirmed) { return false; }
  card.saving = send(card, fact);
  const done = await card.saving;
  card.saving = null;
  return done;
}

async function send(card, fact) {
  const score = number(card.score.value), text = card.comment.value;
  if (Number.isNaN(score) || score < 0 || score > facts.most) {
    tell(card, `The score is no number from 0 to ${facts.most}: not saved.`, true);
    return false;
  }
  let answer;
  try {
    answer = await fetch(facts.save, {
      method: "POST", credentials: "same-origin", headers: {"Content-Type": "application/json", "X-XSRFToken": xsrf()},
      body: JSON.stringify({grade: fact.grade, comment: fact.comment, score, text, seen_score: fact.score, seen_text: fact.text,
        grader: grader.value}),
    });
  } catch (error) {
    tell(card, "The server does not answer: not saved. It is kept in this browser; leave the field again to save.", true);
    return false;
  }
  if (answer.status === 409) {
    const there = await answer.json();
    Object.assign(fact, there);
    tell(card, `Somebody else saved in the meantime: score ${there.score ?? "none"}, comment: "${there.text}". ` +
      "Yours still stands in the fields: Enter in the score field saves it instead, Escape takes what is there.", true);
    card.conflict = true;
    show(card, fact);
    return false;
  }
  if (!answer.ok) {
    tell(card, `Not saved (${answer.status}). It is kept in this browser; ` + (answer.status === 403
      ? "log in to formgrader in another tab, then leave the field again." : "leave the field again to try once more."), true);
    return false;
  }
  const there = await answer.json();
  Object.assign(fact, {score: there.score, text: there.text, graders: there.graders, waiting: there.waiting});
  if (!changed(card, fact)) { settled(card, fact); }
  tell(card, "saved");
  show(card, fact);
  return true;
}

function go(from, step, onlyWaiting) {
  for (let at = from + step; at >= 0 && at < cards.length; at += step) {
    if (!onlyWaiting || facts.cards[at].waiting) {
      cards[at].scrollIntoView({block: "start"});
      cards[at].score.focus({preventScroll: true});
      cards[at].score.select();
      return;
    }
  }
}

cards.forEach((card, at) => {
  const fact = facts.cards[at];
  card.score = card.querySelector(".score");
  card.comment = card.querySelector(".comment");
  fill(card, fact.score, fact.text);
  card.score.addEventListener("focus", () => card.score.select());
  const kept = JSON.parse(localStorage.getItem(draft(fact)) || "null");
  if (kept && (kept.text !== fact.text || kept.score !== card.score.value)) {
    fill(card, kept.score, kept.text);
    tell(card, "Typed before and not saved yet: leave the field to save it.", true);
  }
  show(card, fact);
  const answer = card.querySelector(".answer");       // a formula that is wider than the page scrolls, by the keyboard as well
  new ResizeObserver(() => { answer.tabIndex = answer.scrollWidth > answer.clientWidth ? 0 : -1; }).observe(answer);
  for (const field of [card.score, card.comment]) {
    field.addEventListener("input", () =>
      localStorage.setItem(draft(fact), JSON.stringify({score: card.score.value, text: card.comment.value})));
    field.addEventListener("blur", () => save(card, fact));
    field.addEventListener("keydown", async (event) => {
      if (event.key === "Enter" && (field === card.score || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        if (await save(card, fact, true)) { go(at, 1, true); }
      } else if (event.key === "Escape") {
        if (card.conflict) { fill(card, fact.score, fact.text); }
        field.blur();
      }
    });
  }
});

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, textarea") || event.ctrlKey || event.altKey || event.metaKey) { return; }
  const step = {n: 1, j: 1, p: -1, k: -1}[event.key];
  if (step) {
    event.preventDefault();
    const near = cards.findIndex((card) => card.getBoundingClientRect().bottom > 100);
    go(near - (step > 0 ? 1 : 0), step, false);
  }
});

window.addEventListener("beforeunload", (event) => {
  if (cards.some((card, at) => changed(card, facts.cards[at]))) { event.preventDefault(); }
});
