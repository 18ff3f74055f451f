"use strict";
// Shows only the rows that hold every word typed. Without JavaScript the field stays hidden and all rows are shown.
(function () {
  const field = document.getElementById("filter");
  const rows = Array.from(document.querySelectorAll("table.findings tbody tr"));
  if (!field || !rows.length) return;
  const shown = document.getElementById("shown");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  field.closest("p").hidden = false;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, i) => {
      const fits = words.every((word) => texts[i].includes(word));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    shown.textContent = words.length ? count + " of " + rows.length : "";
  });
})();
