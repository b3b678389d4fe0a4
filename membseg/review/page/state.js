// What was asked, what has been said, and where that is kept.

const sheet = JSON.parse(document.getElementById("sheet").textContent);
const KEPT_AS = `membseg review ${sheet.id}`;
const VERDICTS = ["good", "doubtful", "wrong"];
const MEMBRANE = 1;
const CELL = 2;

let review = freshReview();
let savedAsFile = true;
let canKeep = true;

function now() {
  return new Date().toISOString();
}

function unjudged() {
  return { verdict: null, note: "", time: null };
}

function freshReview() {
  return {
    expert: "",
    started: now(),
    images: sheet.images.map(unjudged),
    places: sheet.places.map((place) => freshPlace(place)),
  };
}

function freshPlace(place) {
  return {
    ...place, ...unjudged(), mended: false,
    marks: new Uint8Array(place.height * place.width), strokes: [],
  };
}

// The place that an expert adds around a pixel of an image.
function addedPlace(image, row, column) {
  const { height, width } = sheet.images[image];
  const [top, h] = cut(row, sheet.place_size, height);
  const [left, w] = cut(column, sheet.place_size, width);
  return freshPlace({ image, top, left, height: h, width: w, doubt: null, reason: "" });
}

function cut(middle, size, length) {
  const kept = Math.min(size, length);
  return [Math.min(Math.max(0, middle - Math.floor(kept / 2)), length - kept), kept];
}

// Half a character, as a cut emoji leaves it, cannot stand in a file.
function whole(text) {
  return text.toWellFormed?.() ?? text;
}

// The document that is kept and saved; Python's reader checks these very fields.
function toDocument() {
  return {
    format: "membseg review",
    version: 1,
    sheet: sheet.id,
    expert: whole(review.expert.trim()),
    started: review.started,
    saved: now(),
    images: sheet.images.map((image, i) => ({
      name: image.name,
      fingerprint: image.fingerprint,
      prediction: image.prediction,
      height: image.height,
      width: image.width,
      ...review.images[i],
      note: whole(review.images[i].note),
    })),
    places: review.places.map(({ marks, strokes, ...place }) => ({
      ...place,
      note: whole(place.note),
      membrane: runsOf(place, marks, MEMBRANE),
      cell: runsOf(place, marks, CELL),
    })),
  };
}

function fromDocument(kept) {
  return {
    expert: kept.expert,
    started: kept.started,
    images: kept.images.map(({ verdict, note, time }) => ({ verdict, note, time })),
    places: kept.places.map(({ membrane, cell, ...place }) => ({
      ...place,
      marks: marksOf(place, membrane, cell),
      strokes: [],
    })),
  };
}

function recall() {
  try {
    const text = localStorage.getItem(KEPT_AS);
    if (text !== null) {
      review = fromDocument(JSON.parse(text));
      savedAsFile = false;
      return true;
    }
  } catch {
    canKeep = storageWorks();
  }
  return false;
}

function storageWorks() {
  try {
    localStorage.setItem(KEPT_AS, JSON.stringify(toDocument()));
    return true;
  } catch {
    return false;
  }
}

function keep() {
  savedAsFile = false;
  canKeep = storageWorks();
}

function forget() {
  review = freshReview();
  savedAsFile = true;
  try {
    localStorage.removeItem(KEPT_AS);
  } catch {
    canKeep = false;
  }
}

function saveAsFile() {
  const text = JSON.stringify(toDocument(), null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const who = review.expert.trim().toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
  link.download = `review-${sheet.id.slice(0, 6)}-${who}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  savedAsFile = true;
  return link.download;
}
