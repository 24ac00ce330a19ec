(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const search = document.getElementById("search");
  const found = document.getElementById("found");
  const filters = all("[data-filter]");
  const tests = all("details.test");
  const lines = all("tr[data-words]");
  const expand = document.getElementById("expand");
  let chosen = "";

  all("[hidden]").forEach((element) => { element.hidden = false; });

  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (element) => words.every((word) => element.dataset.words.includes(word));
    let shown = 0;
    tests.forEach((test) => {
      const fit = fits(test) && (!chosen || test.dataset.flags.split(" ").includes(chosen));
      test.hidden = !fit;
      shown += fit;
    });
    all("section.file").forEach((file) => { file.hidden = !file.querySelector("details.test:not([hidden])"); });
    lines.forEach((line) => { line.hidden = !fits(line); });
    const narrowed = words.length || chosen;
    found.textContent = narrowed ? `${shown} of ${tests.length} tests` : "";
  };

  filters.forEach((button) => button.addEventListener("click", () => {
    chosen = button.dataset.filter;
    filters.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
    show();
  }));
  search.addEventListener("input", show);
  expand.addEventListener("click", () => {
    const open = expand.getAttribute("aria-pressed") !== "true";
    expand.setAttribute("aria-pressed", String(open));
    expand.textContent = open ? "Collapse all" : "Expand all";
    tests.filter((test) => !test.hidden).forEach((test) => { test.open = open; });
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "Escape" && typing === search) {
      search.value = "";
      show();
      search.blur();
    }
  });

  all("button.copy").forEach((button) => button.addEventListener("click", async () => {
    const code = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }));

  const root = document.documentElement;
  const kept = { get() { try { return localStorage.getItem("replay-theme"); } catch { return null; } },
    set(value) { try { localStorage.setItem("replay-theme", value); } catch { /* a page without storage */ } } };
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  if (kept.get()) root.dataset.theme = kept.get();
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    kept.set(root.dataset.theme);
  });
})();
