// Buttons, keys and pointer, and what they do.

const find = (id) => document.getElementById(id);
const TOOLS = { look: null, erase: 0, membrane: MEMBRANE, cell: CELL };

let items = [];
let entries = [];
let current = 0;
let tool = "look";
let last = null; // the end of the stroke that is being painted
let cross = null; // the place of the keyboard's cross, once arrows were used
let fadeBefore = 30;

const item = () => items[current];
const isPlace = () => item().kind === "place";

function listItems() {
  items = [
    ...review.places.map((_, number) => ({ kind: "place", number })),
    ...review.images.map((_, number) => ({ kind: "image", number })),
  ];
  entries = makeEntries(items, (wanted) => goTo(items.indexOf(wanted)));
}

function say(text) {
  find("said").textContent = text;
}

function draw() {
  drawItem(item(), {
    fade: find("fade").value / 100,
    showDoubt: find("doubt").checked,
    cross: document.activeElement === viewer ? cross : null,
    brush: isPlace() && tool !== "look" ? Number(find("size").value) : 1,
  });
}

// All that depends on the item, or on what was said of it.
function show() {
  const judgement = judgementOf(item());
  find("heading").textContent = headingOf(item());
  find("reason").textContent = reasonOf(item());
  find("previous").disabled = current === 0;
  find("next").disabled = current === items.length - 1;
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.setAttribute("aria-pressed", String(button.dataset.verdict === judgement.verdict));
  }
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  }
  find("brushes").hidden = !isPlace();
  find("mended").checked = isPlace() && judgement.mended;
  find("undo").disabled = !isPlace() || judgement.strokes.length === 0;
  find("remove").hidden = !isPlace() || judgement.doubt !== null;
  find("note").value = judgement.note;
  find("size-shown").textContent = `${find("size").value} px`;
  find("elsewhere").textContent = isPlace() ? "Show the whole image" : "Back to the places";
  find("elsewhere").hidden = !isPlace() && review.places.length === 0;
  find("doubt-legend").hidden = sheet.images[boxOf(item()).image].doubt === null;
  find("hint").textContent = hintNow();
  viewer.classList.toggle("painting", isPlace() && tool !== "look");
  viewer.setAttribute("aria-label", `${headingOf(item())}, image and predicted membrane`);
  entries.forEach((entry, i) => showEntry(entry, i === current));
  showProgress();
  draw();
}

function hintNow() {
  if (!isPlace()) {
    return "Click on a spot that needs a look: it becomes a place.";
  }
  return tool === "look"
    ? "Choose a brush to correct what is wrong."
    : "Click or drag over the picture to paint; with Shift, a click draws a line from the last one.";
}

function showProgress() {
  const judged = (things) => things.filter((thing) => thing.verdict !== null).length;
  find("progress").textContent = `${judged(review.places)} of ${review.places.length} places and `
    + `${judged(review.images)} of ${review.images.length} images judged.`;
  find("kept").textContent = canKeep
    ? "Your work is kept in this browser until you save it as a file."
    : "This browser keeps nothing: save a file before you close the page.";
}

function goTo(number) {
  current = Math.min(Math.max(0, number), items.length - 1);
  cross = null;
  last = null;
  show();
  bringIntoView(entries[current].button);
  say(`${headingOf(item())}: ${judgementOf(item()).verdict ?? "not judged yet"}.`);
}

function changed() {
  judgementOf(item()).time = now();
  keep();
  show();
}

function judge(verdict) {
  const judgement = judgementOf(item());
  judgement.verdict = judgement.verdict === verdict ? null : verdict;
  changed();
  say(`${headingOf(item())}: ${judgement.verdict ?? "no verdict"}.`);
}

function choose(name) {
  if (isPlace()) {
    tool = name;
    show();
    say(find("hint").textContent);
  }
}

function paint(from, to) {
  paintLine(boxOf(item()), from, to, Number(find("size").value), TOOLS[tool]);
}

function addPlace(point) {
  review.places.push(addedPlace(item().number, Math.floor(point.row), Math.floor(point.column)));
  keep();
  listItems();
  goTo(review.places.length - 1);
}

function removePlace() {
  review.places.splice(item().number, 1);
  keep();
  listItems();
  goTo(Math.min(current, items.length - 1));
}

function undo() {
  if (isPlace() && undoStroke(boxOf(item()))) {
    changed();
    say("The last stroke is undone.");
  }
}

function setMended(mended) {
  if (isPlace()) {
    judgementOf(item()).mended = mended;
    changed();
    say(mended ? "All but the painted pixels is right here." : "Only painted pixels count here.");
  }
}

function setFade(value) {
  find("fade").value = value;
  draw();
}

function toggleMask() {
  const fade = Number(find("fade").value);
  if (fade > 0) {
    fadeBefore = fade;
  }
  setFade(fade > 0 ? 0 : fadeBefore);
  say(fade > 0 ? "Mask off." : "Mask on.");
}

function resize(step) {
  const size = find("size");
  size.value = Number(size.value) + step;
  show();
  say(`Brush ${size.value} pixels wide.`);
}

function elsewhere() {
  if (isPlace()) {
    goTo(review.places.length + boxOf(item()).image);
  } else if (review.places.length > 0) {
    const here = review.places.findIndex((place) => place.image === item().number);
    goTo(Math.max(0, here));
  }
}

function save() {
  if (review.expert.trim() === "") {
    say("Please give your name first.");
    find("expert").focus();
    return;
  }
  keep();
  say(`Saved as ${saveAsFile()}, among your downloads. Send this file back.`);
}

function startOver() {
  if (window.confirm("Forget all that was said and painted on this page?")) {
    forget();
    find("expert").value = "";
    listItems();
    goTo(0);
    say("All is forgotten.");
  }
}

// The pointer.

viewer.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) {
    return;
  }
  const point = pointOf(event, boxOf(item()));
  if (!isPlace() || tool === "look") {
    return;
  }
  event.preventDefault();
  viewer.setPointerCapture(event.pointerId);
  const place = boxOf(item());
  startStroke(place);
  paint(event.shiftKey && last !== null ? last : point, point);
  last = point;
  cross = point;
  draw();
});

viewer.addEventListener("pointermove", (event) => {
  if (viewer.hasPointerCapture(event.pointerId)) {
    const point = pointOf(event, boxOf(item()));
    paint(last, point);
    last = point;
    cross = point;
    draw();
  }
});

for (const name of ["pointerup", "pointercancel"]) {
  viewer.addEventListener(name, (event) => {
    if (viewer.hasPointerCapture(event.pointerId)) {
      viewer.releasePointerCapture(event.pointerId);
      changed();
    }
  });
}

viewer.addEventListener("click", (event) => {
  if (!isPlace()) {
    addPlace(pointOf(event, boxOf(item())));
  }
});

// The keyboard's cross.

const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

viewer.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const box = boxOf(item());
  if (event.key in ARROWS) {
    const [down, right] = ARROWS[event.key].map((step) => step * (event.shiftKey ? 8 : 1));
    const from = cross ?? middle(box);
    cross = {
      row: Math.min(Math.max(from.row + down, 0.5), box.height - 0.5),
      column: Math.min(Math.max(from.column + right, 0.5), box.width - 0.5),
    };
    say(`Row ${box.top + Math.floor(cross.row)}, column ${box.left + Math.floor(cross.column)}.`);
  } else if (event.key === " " || event.key === "Enter") {
    pressCross(box);
  } else {
    return;
  }
  event.preventDefault();
  draw();
});

function middle(box) {
  return { row: Math.floor(box.height / 2) + 0.5, column: Math.floor(box.width / 2) + 0.5 };
}

function pressCross(box) {
  cross = cross ?? middle(box);
  if (!isPlace()) {
    addPlace(cross);
  } else if (tool === "look") {
    say("Choose a brush first: B for membrane, C for cell.");
  } else {
    startStroke(box);
    paint(cross, cross);
    last = cross;
    changed();
  }
}

viewer.addEventListener("focus", draw);
viewer.addEventListener("blur", draw);

// Single keys, but not while somebody writes.

const KEYS = {
  n: () => goTo(current + 1),
  p: () => goTo(current - 1),
  1: () => judge("good"),
  2: () => judge("doubtful"),
  3: () => judge("wrong"),
  m: toggleMask,
  "[": () => setFade(Number(find("fade").value) - 10),
  "]": () => setFade(Number(find("fade").value) + 10),
  d: () => find("doubt").click(),
  l: () => choose("look"),
  b: () => choose("membrane"),
  c: () => choose("cell"),
  e: () => choose("erase"),
  "-": () => resize(-1),
  "+": () => resize(1),
  "=": () => resize(1),
  u: undo,
  r: () => setMended(!find("mended").checked),
  t: () => find("note").focus(),
  i: elsewhere,
  v: () => viewer.focus(),
  s: save,
  "?": () => find("help").toggleAttribute("open"),
};

document.addEventListener("keydown", (event) => {
  const writes = event.target.matches("textarea, input[type=text]");
  if (writes && event.key === "Escape") {
    viewer.focus();
    return;
  }
  const held = event.ctrlKey || event.metaKey || event.altKey;
  const action = KEYS[event.key.toLowerCase()];
  if (!writes && !held && find("keys").checked && action !== undefined) {
    event.preventDefault();
    action();
  }
});

// Buttons and fields.

for (const button of document.querySelectorAll("[data-verdict]")) {
  button.addEventListener("click", () => judge(button.dataset.verdict));
}
for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => choose(button.dataset.tool));
}
find("previous").addEventListener("click", () => goTo(current - 1));
find("next").addEventListener("click", () => goTo(current + 1));
find("undo").addEventListener("click", undo);
find("remove").addEventListener("click", removePlace);
find("elsewhere").addEventListener("click", elsewhere);
find("save").addEventListener("click", save);
find("anew").addEventListener("click", startOver);
find("fade").addEventListener("input", draw);
find("doubt").addEventListener("change", draw);
find("size").addEventListener("input", show);
find("mended").addEventListener("change", () => setMended(find("mended").checked));
find("note").addEventListener("input", () => {
  judgementOf(item()).note = find("note").value;
  judgementOf(item()).time = now();
  keep();
  showProgress();
});
find("expert").addEventListener("input", () => {
  review.expert = find("expert").value;
  keep();
  showProgress();
});
window.addEventListener("beforeunload", (event) => {
  if (!canKeep && !savedAsFile) {
    event.preventDefault();
  }
});

async function start() {
  await loadPictures();
  const recalled = recall();
  find("expert").value = review.expert;
  listItems();
  goTo(0);
  if (recalled) {
    say("What you did here before is back.");
  }
  document.body.dataset.ready = "yes";
}

start().catch((error) => say(`This page cannot be shown: ${error.message}`));
