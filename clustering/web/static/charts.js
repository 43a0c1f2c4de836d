// Draws figures in the colours of the page, and again when these change.
(function () {
  "use strict";
  const drawn = new Map();
  const narrow = window.matchMedia("(max-width: 640px)");

  // The page's policy refuses style attributes that a script sets as text. The same text through the style object is
  // allowed, because it can hold nothing but declarations.
  const setAttribute = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };

  function palette() {
    const probe = document.createElement("span");
    probe.hidden = true;
    document.body.append(probe);
    const known = new Map();
    return {
      of(name) {
        if (!known.has(name)) {
          probe.style.color = `var(--${name})`;
          known.set(name, window.getComputedStyle(probe).color);
        }
        return known.get(name);
      },
      close: () => probe.remove(),
    };
  }

  function coloured(value, colours) {
    if (typeof value === "string" && value.startsWith("@")) {
      const [name, opacity] = value.slice(1).split("/");
      const colour = colours.of(name);
      return opacity ? colour.replace(/^rgb\((.*)\)$/, `rgba($1, ${opacity})`) : colour;
    }
    if (Array.isArray(value)) return value.map((one) => coloured(one, colours));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one, colours)]));
    }
    return value;
  }

  function axis(given, colours) {
    const line = colours.of("line");
    return {
      automargin: true,
      gridcolor: line,
      linecolor: line,
      zerolinecolor: line,
      tickfont: { size: 12, color: colours.of("muted") },
      ...given,
      title: { standoff: 10, font: { size: 12, color: colours.of("muted") }, ...given.title },
    };
  }

  function layout(given, colours, element) {
    const text = colours.of("text");
    const style = window.getComputedStyle(document.body);
    const { xaxis, yaxis, ...rest } = given;
    return {
      font: { family: style.fontFamily, size: 13, color: text },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 8, r: 12, t: 12, b: 8, pad: 4 },
      height: element.clientHeight || 340,
      legend: { orientation: "h", x: 0, xanchor: "left", y: -0.22, yanchor: "top", font: { size: 12 }, itemsizing: "constant" },
      hoverlabel: {
        bgcolor: colours.of("surface"),
        bordercolor: colours.of("line-strong"),
        font: { family: style.fontFamily, size: 13, color: text },
        align: "left",
      },
      dragmode: false,
      ...(xaxis && { xaxis: axis(xaxis, colours) }),
      ...(yaxis && { yaxis: axis(yaxis, colours) }),
      ...rest,
    };
  }

  const LETTER = 0.56; // of the size of a font: how wide a letter is, about
  const LONGEST_NAME = 36; // letters in a legend; the tooltip has all of it
  const BESIDE_NAME = 56; // of a legend: symbol and gaps
  const BESIDE_CHART = 80; // what the axis of a chart takes of its width
  const MANY = 6; // names, from which on a legend has more than one column
  const COLUMN = 270; // of many names
  const ROWS = 3; // of a legend for which a chart has room; for more it grows

  function shortened(name, most) {
    return name.length > most ? `${name.slice(0, most - 1).replace(/&[^;]*$/, "")}…` : name;
  }

  // In the legend's font; a guess by letters would be wrong for alphabets with wide ones.
  function widest(names) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `12px ${window.getComputedStyle(document.body).fontFamily}`;
    return Math.max(...names.map((name) => pen.measureText(name).width));
  }

  // A legend stands below its chart: its names fit the width, in two columns or more where there are many and room for
  // that, and the chart is as high as the legend needs.
  function withLegend(figure, width) {
    const room = width - BESIDE_CHART;
    const least = figure.data.length > MANY ? Math.max(1, Math.floor(room / COLUMN)) : 1;
    const most = Math.max(8, Math.min(LONGEST_NAME, Math.floor((room / least - BESIDE_NAME) / (12 * LETTER))));
    const data = figure.data.map((trace) => ({ ...trace, name: shortened(trace.name, most), meta: trace.name }));
    const columns = Math.max(1, Math.floor(room / (BESIDE_NAME + widest(data.map((trace) => trace.name)))));
    return { data, more: 19 * Math.max(0, Math.ceil(data.length / columns) - ROWS) };
  }

  // Names of both sides stand inside of the diagram: each has half of it, less the room between them.
  function forWidth(trace, width) {
    if (trace.type !== "sankey") return trace;
    const size = narrow.matches ? 11 : 13;
    const most = Math.max(8, Math.floor((width / 2 - 40) / (LETTER * size)));
    const label = trace.node.label.map((name) => shortened(name, most));
    return { ...trace, textfont: { size }, node: { ...trace.node, label } };
  }

  async function draw(element, figure) {
    drawn.set(element, figure);
    const colours = palette();
    let data = coloured(figure.data, colours).map((trace) => forWidth(trace, element.clientWidth));
    for (const waiting of element.querySelectorAll(".waiting")) waiting.remove();
    if (figure.layout.height) element.style.height = `${figure.layout.height}px`;
    let below = 0;
    if (data.length > 1) {
      element.style.height = "";
      ({ data, more: below } = withLegend({ data }, element.clientWidth));
      if (below) element.style.height = `${element.clientHeight + below}px`;
    }
    const made = layout(coloured(figure.layout, colours), colours, element);
    // As high as its names are, and not scrolled within itself.
    if (below) made.legend = { ...made.legend, maxheight: 1, yref: "container", y: 0, yanchor: "bottom" };
    colours.close();
    await window.Plotly.react(element, data, made, { displayModeBar: false, responsive: true, scrollZoom: false });
    element.dataset.drawn = "yes";
  }

  function redraw() {
    for (const [element, figure] of drawn) draw(element, figure);
  }

  function say(element, text) {
    drawn.delete(element);
    if (element.dataset.drawn) window.Plotly.purge(element);
    delete element.dataset.drawn;
    const line = document.createElement("p");
    line.className = "quiet";
    line.textContent = text;
    element.replaceChildren(line);
  }

  const number = (value) => (value === null ? "–" : value.toLocaleString("en"));

  function fillTable(table, rows) {
    const body = table.querySelector("tbody");
    body.replaceChildren(
      ...rows.map((row) => {
        const line = document.createElement("tr");
        if (row.moved) line.className = "moved";
        const numbers = [row.customers, row.themselves, row.time, row.version].map((one) => [number(one), "number"]);
        for (const [text, kind] of [[row.from], [row.to], ...numbers]) {
          const cell = document.createElement("td");
          cell.textContent = text;
          if (kind) cell.className = kind;
          line.append(cell);
        }
        return line;
      }),
    );
    table.hidden = false;
  }

  document.addEventListener("themechange", redraw);
  narrow.addEventListener("change", redraw);
  window.SegmentCharts = { draw, say, fillTable };
})();
