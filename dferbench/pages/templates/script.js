"use strict";
// Sorting and filtering of tables that are whole without it. Nothing is fetched and nothing is kept.
(function () {
  const valueOf = (cell) => {
    const given = cell.dataset.value;
    return given === undefined ? cell.textContent.trim() : Number(given);
  };

  const compare = (a, b, sign) => {
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1; // empty cells stay last
    if (typeof a === "number" && typeof b === "number") return sign * (a - b);
    return sign * String(a).localeCompare(String(b), "en", { numeric: true });
  };

  const sortBy = (table, place) => {
    const head = table.tHead.rows[0].cells[place];
    const up = head.getAttribute("aria-sort") === "descending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = Array.from(table.tBodies[0].rows);
    const keys = new Map(rows.map((row) => [row, valueOf(row.cells[place])]));
    rows.sort((a, b) => compare(keys.get(a), keys.get(b), up ? 1 : -1));
    table.tBodies[0].append(...rows);
  };

  const addSorting = (table) => {
    Array.from(table.tHead.rows[0].cells).forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sortBy(table, place));
      head.append(button);
    });
  };

  const addFilter = (table) => {
    const rows = Array.from(table.tBodies[0].rows);
    const apart = rows.filter((row) => row.classList.contains("apart")).length;
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    const tools = document.createElement("div");
    input.type = "search";
    label.append("Filter rows", input);
    count.setAttribute("role", "status");
    tools.className = "tools";
    const ranked = document.createElement("input");
    ranked.type = "checkbox";
    tools.append(label);
    if (apart > 0 && apart < rows.length) {
      const only = document.createElement("label");
      only.append(ranked, "Only rows that rank");
      tools.append(only);
    }
    tools.append(count);
    const filter = () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const wanted = !(ranked.checked && row.classList.contains("apart"));
        row.hidden = !(wanted && words.every((word) => text.includes(word)));
        left += row.hidden ? 0 : 1;
      }
      count.textContent = left < rows.length ? `${left} of ${rows.length} rows` : "";
    };
    input.addEventListener("input", filter);
    ranked.addEventListener("change", filter);
    table.closest(".scroll").before(tools);
  };

  document.querySelectorAll("table.sorts").forEach((table) => {
    addSorting(table);
    if (table.classList.contains("filters") && table.tBodies[0].rows.length > 1) addFilter(table);
  });

  // A link into a folded part opens it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => (one.open = true)));
})();
