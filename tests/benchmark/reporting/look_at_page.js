// What the browser test looks at, once the page is there; the findings go into the page as JSON.
addEventListener("load", () => {
  const luminance = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length === 3 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  let least = 99, where = "";
  for (const e of document.querySelectorAll("body *")) {
    if (["SCRIPT", "STYLE"].includes(e.tagName) || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [luminance(parse(getComputedStyle(e).color).slice(0, 3)), luminance(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) { least = ratio; where = e.outerHTML.slice(0, 120); }
  }
  const table = document.querySelector("#table4 table.sortable"), heads = table.querySelectorAll("thead button");
  const column = () => [...table.tBodies[0].rows].map((r) => parseFloat((r.cells[2].querySelector("summary") || r.cells[2]).textContent)).filter((v) => !Number.isNaN(v));
  heads[2].click(); const down = column(); heads[2].click(); const up = column();
  const result = {
    wide: document.documentElement.scrollWidth, window: innerWidth, least, where, down, up,
    sorted: heads[2].closest("th").getAttribute("aria-sort"), requests: performance.getEntriesByType("resource").map((r) => r.name.slice(0, 60)),
    dark: matchMedia("(prefers-color-scheme: dark)").matches, hostile: window.hostile || false,
  };
  const out = document.createElement("pre"); out.id = "looked"; out.textContent = JSON.stringify(result); document.body.append(out);
});
