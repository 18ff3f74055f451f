"use strict";
// Marks the source lines of the block that is pointed at or has the focus, and the block of a line.
(function () {
  const blocks = Array.from(document.querySelectorAll("g.block"));
  const lines = new Map();
  const chosen = document.querySelector("g.operation rect");
  const figure = chosen && chosen.closest("figure");
  if (figure) figure.scrollLeft = chosen.x.baseVal.value + (chosen.width.baseVal.value - figure.clientWidth) / 2;
  const mark = (block, on) => {
    block.classList.toggle("current", on);
    for (const number of block.dataset.lines.split(" ").filter(Boolean)) {
      const line = document.getElementById("L" + number);
      if (line) line.classList.toggle("current", on);
    }
  };
  for (const block of blocks) {
    for (const number of block.dataset.lines.split(" ").filter(Boolean)) if (!lines.has(number)) lines.set(number, block);
    for (const [start, end] of [["mouseenter", "mouseleave"], ["focusin", "focusout"]]) {
      block.addEventListener(start, () => mark(block, true));
      block.addEventListener(end, () => mark(block, false));
    }
  }
  for (const [number, block] of lines) {
    const line = document.getElementById("L" + number);
    if (!line) continue;
    line.addEventListener("mouseenter", () => mark(block, true));
    line.addEventListener("mouseleave", () => mark(block, false));
  }
})();
