// What the browser test looks at, once the page is there; the findings go into the page as JSON.
addEventListener("load", () => {
  const luminance = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  let least = 99, where = "";
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    if (["SCRIPT", "STYLE"].includes(e.tagName) || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) { least = ratio; where = e.outerHTML.slice(0, 120); }
  }
  const box = (e) => { const { left, top, right, bottom, width } = e.getBoundingClientRect(); return { left, top, right, bottom, width }; };
  const first = ["h1", ".answer", ".bar", ".tally", ".step", "header svg"].map((name) => Math.round(box(document.querySelector(name)).bottom));
  const after = [...document.querySelectorAll("main > section")].map((e) => e.id);
  const table = document.querySelector("#table4 table.sortable"), heads = table.querySelectorAll("thead button");
  const wide = document.documentElement.scrollWidth;

  // A cell is opened by the keyboard and closed again.
  const row = [...table.tBodies].find((body) => body.rows.length > 1).rows[0], link = row.querySelector("a.opens");
  const detail = document.getElementById(link.hash.slice(1)), key = (name) => link.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  const state = () => ({ told: link.getAttribute("aria-expanded"), seen: detail.offsetHeight > 0 });
  const states = [state()], column = box(link.closest("td")).width;
  key(" "); states.push(state());
  const opened = { detail: box(detail), row: box(row), inside: box(detail.querySelector(".inside")), main: box(document.querySelector("#table4")), before: column, now: box(link.closest("td")).width, wide: document.documentElement.scrollWidth };
  key("Escape"); states.push({ ...state(), focus: document.activeElement === link });

  // The first column stays where it is while the table scrolls.
  const scroll = table.closest(".scroll"), name = table.querySelector("tbody th");
  scroll.style.width = "300px";
  const still = box(name).left; scroll.scrollLeft = 150;
  const moved = { by: scroll.scrollLeft, name: box(name).left - still };
  scroll.style.width = "";

  const numbers = () => [...table.tBodies].map((body) => parseFloat(body.rows[0].cells[2].textContent)).filter((v) => !Number.isNaN(v));
  heads[2].click(); const down = numbers(); heads[2].click(); const up = numbers();
  const result = {
    wide, window: innerWidth, least, where, down, up, first, after, states, opened, moved,
    follows: [...table.tBodies].every((body) => [...body.rows].slice(1).every((r) => r.querySelector("h4").textContent.startsWith(body.rows[0].cells[0].textContent))),
    sorted: heads[2].closest("th").getAttribute("aria-sort"), requests: performance.getEntriesByType("resource").map((r) => r.name.slice(0, 60)),
    dark: matchMedia("(prefers-color-scheme: dark)").matches, hostile: window.hostile || false,
    pictures: [...document.querySelectorAll("img")].map((e) => ({ whole: e.naturalWidth > 0, filter: getComputedStyle(e).filter })),
    mute: [...document.querySelectorAll("img, [role=img]")].filter((e) => (e.alt || e.getAttribute("aria-label") || "").length < 30).length,
    letters: Math.min(...[...document.querySelectorAll("header svg text")].map((e) => box(e).bottom - box(e).top)),
  };
  const out = document.createElement("pre"); out.id = "looked"; out.textContent = JSON.stringify(result); document.body.append(out);
});
