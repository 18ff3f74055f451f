"use strict";
// Steps through the path of a finding by buttons and keys, hides lines that matter less, copies texts.
(function () {
  const steps = Array.from(document.querySelectorAll("ol.steps > li"));
  const main = document.getElementById("main");
  const make = (tag, more, ...parts) => {
    const made = Object.assign(document.createElement(tag), more);
    made.append(...parts);
    return made;
  };
  const button = (id, text, action) => {
    const made = make("button", { type: "button", id: id }, text);
    made.addEventListener("click", action);
    return made;
  };
  const back = button("prev-step", "Previous", () => go(at - 1));
  const forth = button("next-step", "Next", () => go(at + 1));
  const output = make("output", { id: "at-step" }, steps.length + (steps.length === 1 ? " step" : " steps"));
  const near = make("input", { type: "checkbox", id: "near" });
  near.addEventListener("change", () => only(near.checked));
  const keys = button("keys", "Keys (?)", help);
  const list = make("dl", { id: "key-list", className: "keys", hidden: true });
  for (const [key, what] of [["j k", "next, previous step"], ["n p", "next, previous finding"], ["u", "all findings"], ["f", "only relevant lines"], ["?", "this list"]])
    list.append(make("dt", {}, key), make("dd", {}, what));
  keys.setAttribute("aria-expanded", "false");
  keys.setAttribute("aria-controls", "key-list");
  const stepper = make("div", { className: "stepper", role: "toolbar", ariaLabel: "Steps of the path" }, back, forth, output, make("label", {}, near, " Only relevant lines"), keys);
  document.getElementById("path").after(stepper, list);
  let at = -1;

  function go(to) {
    if (!steps.length) return;
    at = Math.max(0, Math.min(steps.length - 1, to));
    document.querySelectorAll(".current").forEach((old) => { old.classList.remove("current"); old.removeAttribute("aria-current"); });
    const step = steps[at];
    step.classList.add("current");
    step.setAttribute("aria-current", "step");
    const mark = document.getElementById(step.id.replace("step-", "s"));
    const line = mark && mark.closest("pre > b");
    if (line) line.classList.add("current");
    (line || step).scrollIntoView({ block: "center" });
    output.textContent = "step " + (at + 1) + " of " + steps.length + ": " + step.closest("section").querySelector("h3").textContent + ", " + step.textContent.trim();
    back.disabled = at === 0;
    forth.disabled = at === steps.length - 1;
  }
  function only(chosen) {
    near.checked = chosen;
    main.classList.toggle("near", chosen);
  }
  function help() {
    list.hidden = !list.hidden;
    keys.setAttribute("aria-expanded", String(!list.hidden));
  }
  function follow(rel) {
    const link = document.querySelector("a[rel=" + rel + "]");
    if (link) link.click();
  }
  const actions = {
    j: () => go(at + 1), k: () => go(at - 1), n: () => follow("next"), p: () => follow("prev"), u: () => follow("up"),
    f: () => only(!near.checked), "?": help,
  };
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || /^(SELECT|TEXTAREA)$/.test(target.tagName) || (target.tagName === "INPUT" && target.type !== "checkbox")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  window.addEventListener("hashchange", fromUrl);
  function fromUrl() {
    const match = /^#(?:s|step-)(\d+)$/.exec(location.hash);
    const found = match ? steps.findIndex((step) => step.id === "step-" + match[1]) : -1;
    if (found >= 0) go(found);
  }
  fromUrl();

  function select(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const chosen = getSelection();
    chosen.removeAllRanges();
    chosen.addRange(range);
  }
  for (const button of document.querySelectorAll("button.copy")) {
    button.hidden = false;
    const label = button.textContent;
    const say = (text) => { button.textContent = text; setTimeout(() => { button.textContent = label; }, 2000); };
    button.addEventListener("click", () => {
      const source = document.getElementById(button.dataset.copy);
      const old = () => {
        select(source);
        say(document.execCommand("copy") ? "Copied" : "Selected");
      };
      if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(() => say("Copied"), old);
      else old();
    });
  }
})();
