// What is painted in a place: one number a pixel, and the strokes to undo.

const MOST_STROKES = 50;

// All pixels of a stroke between two points, in pixels of the place; a brush of one paints the
// pixel under it.
function paintLine(place, from, to, size, value) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.row - from.row, to.column - from.column)));
  for (let step = 0; step <= steps; step += 1) {
    const part = step / steps;
    paintDot(
      place,
      from.row + part * (to.row - from.row),
      from.column + part * (to.column - from.column),
      size,
      value,
    );
  }
}

function paintDot(place, row, column, size, value) {
  const reach = size / 2;
  for (let r = Math.floor(row - reach); r <= row + reach; r += 1) {
    for (let c = Math.floor(column - reach); c <= column + reach; c += 1) {
      const under = r === Math.floor(row) && c === Math.floor(column);
      const near = Math.hypot(r + 0.5 - row, c + 0.5 - column) < reach;
      const inside = r >= 0 && c >= 0 && r < place.height && c < place.width;
      if (inside && (under || (size > 1 && near))) {
        place.marks[r * place.width + c] = value;
      }
    }
  }
}

function startStroke(place) {
  place.strokes.push(place.marks.slice());
  if (place.strokes.length > MOST_STROKES) {
    place.strokes.shift();
  }
}

function undoStroke(place) {
  const before = place.strokes.pop();
  if (before === undefined) {
    return false;
  }
  place.marks = before;
  return true;
}

// Runs of painted pixels, [row, first column, length], in pixels of the image.
function runsOf(place, marks, value) {
  const runs = [];
  for (let r = 0; r < place.height; r += 1) {
    let c = 0;
    while (c < place.width) {
      const first = c;
      while (c < place.width && marks[r * place.width + c] === value) {
        c += 1;
      }
      if (c > first) {
        runs.push([place.top + r, place.left + first, c - first]);
      }
      c += 1;
    }
  }
  return runs;
}

function marksOf(place, membrane, cell) {
  const marks = new Uint8Array(place.height * place.width);
  for (const [runs, value] of [[membrane, MEMBRANE], [cell, CELL]]) {
    for (const [row, column, length] of runs) {
      const first = (row - place.top) * place.width + column - place.left;
      marks.fill(value, first, first + length);
    }
  }
  return marks;
}

// A picture of the marks, a pixel each. Cell is dotted, so that colour is not all that tells.
function marksPicture(place) {
  const canvas = document.createElement("canvas");
  canvas.width = place.width;
  canvas.height = place.height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(place.width, place.height);
  place.marks.forEach((mark, i) => {
    const dot = (Math.floor(i / place.width) + (i % place.width)) % 2;
    if (mark === MEMBRANE) {
      picture.data.set([86, 180, 233, 225], 4 * i);
    } else if (mark === CELL) {
      picture.data.set(dot ? [231, 138, 195, 225] : [255, 255, 255, 150], 4 * i);
    }
  });
  context.putImageData(picture, 0, 0);
  return canvas;
}
