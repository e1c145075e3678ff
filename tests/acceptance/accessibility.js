// What can be told of a page's accessibility by looking at it: names, headings, landmarks, contrast.
(() => {
  const found = [];
  const seen = (element) => element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const say = (element, what) => found.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const nameOf = (element) =>
    element.getAttribute("aria-label") ||
    (element.getAttribute("aria-labelledby") && document.getElementById(element.getAttribute("aria-labelledby"))?.textContent) ||
    [...(element.labels || [])].map((label) => label.textContent).join("") ||
    element.textContent.trim() || element.getAttribute("title") || "";

  if (!document.documentElement.lang) found.push("the page names no language");
  if (!document.title.trim()) found.push("the page has no title");
  if (all("main").length !== 1) found.push("the page needs one main");
  if (all("h1").length !== 1) found.push(`the page has ${all("h1").length} h1`);
  let level = 0;
  for (const heading of all("h1,h2,h3,h4,h5,h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(heading, "a heading leaves a level out");
    level = own;
  }
  for (const control of document.querySelectorAll("a[href],button,input:not([type=hidden]),select,summary,[role=img]"))
    if (seen(control) && !nameOf(control).trim()) say(control, "no name");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((one) => one === id).length > 1) found.push(`id ${id} twice`);
  for (const table of all("table"))
    if (!table.querySelector("th[scope=col]")) say(table, "a table without headers");

  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = words.nextNode(); text; text = words.nextNode()) {
    const element = text.parentElement;
    if (!text.textContent.trim() || !seen(element) || element.closest("option,svg,:disabled,.skip")) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [dark, light] = [luminance(over(rgba(style.color), ground)), luminance(ground)].sort((a, b) => a - b);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if ((light + 0.05) / (dark + 0.05) < (isLarge ? 3 : 4.5)) say(element, "too little contrast");
  }
  return [...new Set(found)];
})()
