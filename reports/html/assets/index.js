"use strict";
// Filters, sorts and pages the findings of data/findings.js; the state is kept in the URL's fragment.
// Everything is written as text, never as markup. Without JavaScript the first rows stand as the page was written.
(function () {
  const data = window.kqualFindings;
  const form = document.getElementById("filter");
  const table = document.getElementById("table");
  if (!data || !form || !table) return;
  const PAGE = 100;
  const GRAVE = "grave";
  const words = data.words;
  const body = table.tBodies[0];
  const counter = document.getElementById("count");
  const paging = document.getElementById("paging");
  const quoted = (names) => (names.length < 2 ? names[0] || "the check" : names.slice(0, -1).join(", ") + " and " + names[names.length - 1]);
  const rows = data.rows.map((r, rank) => {
    const hooks = r[8].map((i) => words[i]);
    const row = {
      rank, id: r[0], page: r[15] ? "findings/" + r[0] + ".html" : "", rulePage: data.pages[r[9]] || "", tier: data.tiers[r[1]], kind: words[r[2]], file: words[r[3]],
      line: r[4], func: words[r[5]], operation: words[r[6]], object: words[r[7]], hooks, rule: words[r[9]],
      service: words[r[10]], door: words[r[11]], subject: words[r[12]],
      state: words[r[13]], remark: words[r[14]], text: "",
    };
    row.title = data.kinds[row.kind] || row.kind;
    const parts = { kind: row.kind, operation: row.operation, object: row.object || row.operation, checks: quoted(hooks) };
    const sentence = (data.nameless.includes(row.object) && data.unnamed[row.kind]) || data.sentences[row.kind] || "{kind} at {operation}: {checks}";
    row.headline = sentence.replace(/`/g, "").replace(/\{(\w+)\}/g, (_, name) => parts[name]);
    return row;
  });
  const text = (row) => (row.text = row.text || [row.tier, row.title, row.kind, row.file + ":" + row.line, row.func, row.headline,
    row.object, row.rule, row.service, row.door, row.subject, row.id, row.hooks.join(" "), row.state, row.remark].join("\n").toLowerCase());

  function fill(name, of, first) {
    const counts = new Map();
    for (const row of rows) for (const value of of(row)) if (value) counts.set(value, (counts.get(value) || 0) + 1);
    const select = form.elements[name];
    select.append(...first.map(([value, label]) => new Option(label, value)));
    for (const value of Array.from(counts.keys()).sort()) select.append(new Option(value + " (" + counts.get(value).toLocaleString("en") + ")", value));
  }
  const choices = {
    tier: (row) => [row.tier], kind: (row) => [row.kind], service: (row) => [row.service], rule: (row) => [row.rule],
    hook: (row) => row.hooks, door: (row) => [row.door], state: (row) => [row.state],
  };
  // Dismissed findings show only when they are asked for.
  const reported = (row) => row.state !== "dismissed";
  for (const name of Object.keys(choices)) fill(name, choices[name], name === "tier" ? [[GRAVE, "errors and warnings"], ["all", "all"]] : [["", "all"]]);
  form.elements.kind.querySelectorAll("option[value]").forEach((o) => { if (o.value) o.text = o.text.replace(o.value, data.kinds[o.value] || o.value); });

  const fields = ["q", "tier", "kind", "service", "rule", "hook", "door", "state", "object", "dir"];
  const standard = { tier: GRAVE };
  let state = { sort: "", page: 1 };

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const name of fields) {
      const field = form.elements[name];
      const value = given.get(name) || standard[name] || "";
      if (field.tagName === "SELECT" && !Array.from(field.options).some((o) => o.value === value)) field.append(new Option(value, value));
      field.value = value;
    }
    state = { sort: given.get("sort") || "", page: Math.max(1, parseInt(given.get("page"), 10) || 1) };
  }
  function keep() {
    const out = new URLSearchParams();
    for (const name of fields) {
      const value = form.elements[name].value;
      if (value && value !== (standard[name] || "")) out.set(name, value);
    }
    if (state.sort) out.set("sort", state.sort);
    if (state.page > 1) out.set("page", String(state.page));
    history.replaceState(null, "", "#" + out.toString());
  }
  function fitting() {
    const value = (name) => form.elements[name].value;
    const search = value("q").toLowerCase().split(/\s+/).filter(Boolean);
    const object = value("object").toLowerCase();
    const dir = value("dir").replace(/\/+$/, "");
    const tier = value("tier");
    const exact = ["kind", "service", "rule", "hook", "door", "state"].filter((name) => value(name)).map((name) => [choices[name], value(name)]);
    return rows.filter((row) =>
      (reported(row) || value("state") === "dismissed") &&
      (tier === "all" || (tier === GRAVE ? row.tier !== "note" : row.tier === tier)) &&
      exact.every(([of, wanted]) => of(row).includes(wanted) || (of === choices.door && wanted === "no door is known" && !row.door)) &&
      (!object || row.object.toLowerCase().includes(object)) &&
      (!dir || row.file === dir || row.file.startsWith(dir + "/")) &&
      search.every((word) => text(row).includes(word)));
  }
  const keys = {
    tier: (row) => data.tiers.indexOf(row.tier), place: (row) => row.file, kind: (row) => row.title, rule: (row) => row.rule,
    door: (row) => row.door,
  };
  function sorted(found) {
    const name = state.sort.replace(/^-/, "");
    const key = keys[name];
    if (!key) return found;
    const sign = state.sort.startsWith("-") ? -1 : 1;
    return found.slice().sort((a, b) => {
      const x = key(a), y = key(b);
      if (x !== y) return x < y ? -sign : sign;
      return (name === "place" && a.line - b.line) || a.rank - b.rank;
    });
  }
  function element(tag, content, name) {
    const out = document.createElement(tag);
    if (name) out.className = name;
    if (content !== undefined) out.textContent = content;
    return out;
  }
  function cell(...parts) {
    const out = document.createElement("td");
    out.append(...parts);
    return out;
  }
  function drawn(row) {
    const out = document.createElement("tr");
    const linked = (part, page) => {
      if (!page) return part;
      const link = element("a");
      link.href = page;
      link.append(part);
      return link;
    };
    const door = (row.door || "no door is known") + (row.subject && row.subject !== "user" ? ", on behalf of: " + row.subject : "");
    const marks = [element("span", row.tier, "tier " + row.tier)];
    if (row.state) marks.push(document.createElement("br"), row.state);
    const whats = [linked(row.headline, row.page)];
    if (row.remark) whats.push(document.createElement("br"), row.remark);
    out.append(cell(...marks), cell(element("code", row.file + ":" + row.line), document.createElement("br"), element("code", row.func)),
      cell(...whats), cell(row.title), cell(linked(element("code", row.rule), row.rulePage), document.createElement("br"), row.service), cell(door));
    return out;
  }
  function show() {
    const found = sorted(fitting());
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(state.page, pages);
    const first = (state.page - 1) * PAGE;
    body.replaceChildren(...found.slice(first, first + PAGE).map(drawn));
    const n = (value) => value.toLocaleString("en");
    counter.textContent = found.length ? n(first + 1) + " to " + n(Math.min(first + PAGE, found.length)) + " of " + n(found.length) + " that fit; " + n(rows.length) + " in all" : "No finding fits; " + n(rows.length) + " in all";
    table.caption.textContent = "Findings";
    paging.hidden = pages === 1;
    paging.replaceChildren();
    const step = (label, page) => {
      const button = element("button", label);
      button.type = "button";
      button.disabled = page < 1 || page > pages;
      button.addEventListener("click", () => { state.page = page; show(); document.getElementById("findings").scrollIntoView(); });
      return button;
    };
    paging.append(step("Previous", state.page - 1), " " + state.page + " of " + pages + " ", step("Next", state.page + 1));
    for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
      const own = state.sort.replace(/^-/, "") === head.dataset.sort;
      head.setAttribute("aria-sort", own ? (state.sort.startsWith("-") ? "descending" : "ascending") : "none");
    }
    keep();
  }
  for (const head of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = element("button", head.textContent, "sort");
    button.type = "button";
    button.addEventListener("click", () => {
      const name = head.dataset.sort;
      state.sort = state.sort === name ? "-" + name : state.sort === "-" + name ? "" : name;
      state.page = 1;
      show();
    });
    head.replaceChildren(button);
  }
  form.addEventListener("input", () => { state.page = 1; show(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => { event.preventDefault(); history.replaceState(null, "", "#"); read(); show(); });
  window.addEventListener("hashchange", () => { read(); show(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    event.preventDefault();
    form.elements.q.focus();
  });
  form.elements.state.closest("label").hidden = rows.every((row) => !row.state);
  form.hidden = false;
  counter.hidden = false;
  read();
  show();
})();
