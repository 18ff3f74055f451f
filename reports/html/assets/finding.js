"use strict";
// Steps through the path of a finding by buttons and keys, hides lines that matter less, copies texts.
(function () {
  const steps = Array.from(document.querySelectorAll("li.at"));
  const main = document.getElementById("main");
  const near = document.getElementById("near");
  const list = document.getElementById("key-list");
  const keys = document.getElementById("keys");
  const output = document.getElementById("at-step");
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
    output.textContent = "step " + (at + 1) + " of " + steps.length + ": " + step.textContent.trim();
    document.getElementById("prev-step").disabled = at === 0;
    document.getElementById("next-step").disabled = at === steps.length - 1;
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
  document.querySelector(".stepper").hidden = false;
  document.getElementById("prev-step").addEventListener("click", () => go(at - 1));
  document.getElementById("next-step").addEventListener("click", () => go(at + 1));
  near.addEventListener("change", () => only(near.checked));
  keys.addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || /^(SELECT|TEXTAREA)$/.test(target.tagName) || (target.tagName === "INPUT" && target.type !== "checkbox")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  output.textContent = steps.length + (steps.length === 1 ? " step" : " steps");
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
