// The list of places and images, with what has been said of each.

const THUMBNAIL = 48;

function makeEntry(item, go) {
  const button = document.createElement("button");
  button.type = "button";
  const canvas = document.createElement("canvas");
  canvas.width = 2 * THUMBNAIL;
  canvas.height = 2 * THUMBNAIL;
  canvas.setAttribute("aria-hidden", "true");
  drawPicture(canvas.getContext("2d"), boxOf(item), 0.3, false);
  const text = document.createElement("span");
  const verdict = document.createElement("span");
  text.append(headingOf(item), verdict);
  button.append(canvas, text);
  button.addEventListener("click", () => go(item));
  const entry = document.createElement("li");
  entry.append(button);
  return { item, entry, button, verdict };
}

function makeEntries(items, go) {
  const entries = items.map((item) => makeEntry(item, go));
  for (const kind of ["place", "image"]) {
    document.getElementById(`${kind}s`).replaceChildren(
      ...entries.filter((made) => made.item.kind === kind).map((made) => made.entry),
    );
  }
  return entries;
}

function showEntry({ item, button, verdict }, isCurrent) {
  const { verdict: said } = judgementOf(item);
  verdict.className = said === null ? "verdict" : `verdict ${said}`;
  verdict.textContent = said === null ? "not judged" : said;
  if (isCurrent) {
    button.setAttribute("aria-current", "true");
  } else {
    button.removeAttribute("aria-current");
  }
}

// Scrolls the list, and never the page.
function bringIntoView(button) {
  const list = button.closest("ol");
  const area = list.getBoundingClientRect();
  const own = button.getBoundingClientRect();
  list.scrollTop += Math.min(0, own.top - area.top) + Math.max(0, own.bottom - area.bottom);
  list.scrollLeft += Math.min(0, own.left - area.left) + Math.max(0, own.right - area.right);
}

function headingOf(item) {
  return item.kind === "place" ? `Place ${item.number + 1}` : sheet.images[item.number].name;
}

function reasonOf(item) {
  const box = boxOf(item);
  if (item.kind === "image") {
    return `${box.height} by ${box.width} pixels`;
  }
  const where = `${sheet.images[box.image].name}, rows ${box.top} to ${box.top + box.height - 1}, `
    + `columns ${box.left} to ${box.left + box.width - 1}`;
  return box.doubt === null
    ? `Added by you. ${where}.`
    : `Doubt ${box.doubt.toFixed(2)}: ${box.reason}. ${where}.`;
}

function judgementOf(item) {
  return (item.kind === "place" ? review.places : review.images)[item.number];
}
