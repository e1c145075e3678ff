// Draws the charts in the colours of the page: light, dark, or paper.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const settings = { responsive: true, displayModeBar: false, locale: "en" };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function themed(layout) {
  const axis = { color: colour("--soft"), gridcolor: colour("--line"), zerolinecolor: colour("--line") };
  const result = {
    ...layout,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--text") },
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") } },
  };
  for (const name of Object.keys(layout)) {
    if (/^[xy]axis/.test(name)) result[name] = { ...axis, ...layout[name] };
  }
  return result;
}

function draw(width) {
  for (const [name, chart] of Object.entries(charts)) {
    const place = document.getElementById(`chart-${name}`);
    if (!place) continue;
    const layout = themed(chart.layout);
    if (width) Object.assign(layout, { width, autosize: false });
    Plotly.react(place, chart.data, layout, settings);
  }
}

function drawForPaper() {
  document.documentElement.classList.add("paper");
  draw(680);
}

function drawForScreen() {
  document.documentElement.classList.remove("paper");
  draw();
}

drawForScreen();
dark.addEventListener("change", () => draw());
window.addEventListener("beforeprint", drawForPaper);
window.addEventListener("afterprint", drawForScreen);
