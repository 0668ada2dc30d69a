// The stage: the image large, zoom and drag, two takes under one slider.
"use strict";
(() => {
  const stage = document.querySelector("[data-stage]");
  if (!stage) return;
  const one = (wanted) => stage.querySelector(wanted);
  const plate = one("[data-plate]"), main = one("[data-main]"), other = one("[data-other]"), seam = one("[data-seam]");
  const slide = one("[data-slide]"), blend = one("[data-blend]"), compare = one("[data-compare]"), zoomed = one("[data-zoomed]");
  const takes = [...document.querySelectorAll("[data-take]")];
  const MOST = 8;
  let scale = 1, x = 0, y = 0, shown = takes.find((each) => each.getAttribute("aria-pressed") === "true"), against = null;

  // Zoom: the point under the cursor stays where it is.
  const draw = () => {
    const box = plate.getBoundingClientRect();
    x = Math.min(0, Math.max(x, box.width * (1 - scale)));
    y = Math.min(0, Math.max(y, box.height * (1 - scale)));
    for (const image of [main, other]) image.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    plate.classList.toggle("zoomed", scale > 1);
    zoomed.textContent = scale === 1 ? "fit" : `${Math.round(scale * 100)} %`;
    if (scale > 1) for (const image of [main, other]) if (image.dataset.full && image.getAttribute("src") !== image.dataset.full) image.src = image.dataset.full;
    cut();
  };
  const zoom = (factor, at) => {
    const box = plate.getBoundingClientRect();
    const px = at ? at.clientX - box.left : box.width / 2, py = at ? at.clientY - box.top : box.height / 2;
    const next = Math.min(Math.max(scale * factor, 1), MOST);
    x = px - ((px - x) * next) / scale;
    y = py - ((py - y) * next) / scale;
    scale = next;
    draw();
  };
  const fit = () => { scale = 1; x = 0; y = 0; draw(); };

  // Compare: the other take lies over the first, cut at the seam.
  function cut() {
    if (!against) return;
    const part = Number(slide.querySelector("input").value) / 100;
    const box = plate.getBoundingClientRect();
    seam.style.left = `${part * 100}%`;
    const inside = (part * box.width - x) / scale;
    other.style.clipPath = `inset(0 0 0 ${Math.max(0, inside)}px)`;
  }
  const number = (button) => button.dataset.take;
  const label = () => {
    const left = one("[data-tag-left]"), right = one("[data-tag-right]");
    left.hidden = right.hidden = !against;
    if (against) { left.textContent = `Take ${number(shown)}`; right.textContent = `Take ${number(against)}`; }
    takes.forEach((each) => {
      each.setAttribute("aria-pressed", String(each === shown));
      each.classList.toggle("against", each === against);
    });
  };
  const put = (image, button) => {
    image.src = scale > 1 ? button.dataset.full : button.dataset.src;
    image.dataset.full = button.dataset.full;
    image.alt = `Take ${number(button)}`;
  };
  const show = (button) => {
    shown = button;
    put(main, button);
    document.querySelectorAll("[data-evidence]").forEach((each) => { each.hidden = each.dataset.evidence !== number(button); });
    label();
  };
  const stop = () => {
    against = null;
    other.hidden = seam.hidden = slide.hidden = blend.hidden = true;
    plate.classList.remove("blended");
    blend.querySelector("input").checked = false;
    compare.setAttribute("aria-pressed", "false");
    label();
  };
  const begin = (button) => {
    against = button;
    put(other, button);
    other.hidden = seam.hidden = slide.hidden = blend.hidden = false;
    compare.setAttribute("aria-pressed", "true");
    label();
    cut();
  };
  takes.forEach((button) => button.addEventListener("click", () => {
    if (!against) { show(button); return; }
    if (button !== shown) begin(button);
  }));
  compare?.addEventListener("click", () => {
    if (against) { stop(); return; }
    const at = takes.indexOf(shown);
    begin(takes[at + 1] || takes[at - 1]);
  });
  slide?.addEventListener("input", cut);
  blend?.addEventListener("change", (event) => plate.classList.toggle("blended", event.target.checked));
  stage.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => {
    if (button.dataset.zoom === "fit") fit(); else zoom(button.dataset.zoom === "in" ? 1.5 : 1 / 1.5);
  }));
  plate.addEventListener("dblclick", (event) => (scale > 1 ? fit() : zoom(3, event)));
  plate.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && scale === 1 && event.deltaY > 0) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event);
  }, { passive: false });

  // Drag what is larger than the plate; drag the seam where it is not; two fingers zoom.
  const fingers = new Map();
  let last = 0;
  plate.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, event);
    plate.setPointerCapture(event.pointerId);
    plate.classList.add("held");
  });
  plate.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    if (fingers.size === 2) {
      const [a, b] = [...fingers.values()];
      const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (last) zoom(apart / last, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
      last = apart;
    } else if (scale > 1) {
      x += event.clientX - before.clientX;
      y += event.clientY - before.clientY;
      draw();
    } else if (against) {
      const box = plate.getBoundingClientRect();
      slide.querySelector("input").value = Math.round(((event.clientX - box.left) / box.width) * 100);
      cut();
    }
  });
  const lift = (event) => {
    fingers.delete(event.pointerId);
    last = 0;
    plate.classList.toggle("held", fingers.size > 0);
  };
  plate.addEventListener("pointerup", lift);
  plate.addEventListener("pointercancel", lift);
  window.addEventListener("resize", draw);
})();
