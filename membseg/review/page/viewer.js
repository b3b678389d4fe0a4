// The picture: image and mask over each other, marks, places, and a cross for the keyboard.

const viewer = document.getElementById("viewer");
const LARGEST_SIDE = 960;
const pictures = [];

async function loadPictures() {
  const load = async (source) => {
    if (source === null) {
      return null;
    }
    const picture = new Image();
    picture.src = source;
    await picture.decode();
    return picture;
  };
  for (const image of sheet.images) {
    pictures.push({
      picture: await load(image.picture),
      mask: await load(image.mask),
      doubt: await load(image.doubt),
    });
  }
}

// The rectangle of its image that an item shows.
function boxOf(item) {
  if (item.kind === "place") {
    return review.places[item.number];
  }
  const { height, width } = sheet.images[item.number];
  return { image: item.number, top: 0, left: 0, height, width };
}

function zoomOf(box) {
  return Math.max(1, Math.floor(LARGEST_SIDE / Math.max(box.height, box.width)));
}

function drawLayer(context, layer, box, opacity) {
  if (layer !== null && opacity > 0) {
    context.globalAlpha = opacity;
    context.drawImage(
      layer, box.left, box.top, box.width, box.height,
      0, 0, context.canvas.width, context.canvas.height,
    );
    context.globalAlpha = 1;
  }
}

// Up to the middle of the slider the mask comes, beyond it the image goes.
function drawPicture(context, box, fade, showDoubt) {
  const layers = pictures[box.image];
  context.imageSmoothingEnabled = false;
  context.fillStyle = "#000";
  context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  drawLayer(context, layers.picture, box, Math.min(1, 2 * (1 - fade)));
  drawLayer(context, layers.mask, box, Math.min(1, 2 * fade));
  drawLayer(context, layers.doubt, box, showDoubt ? 0.7 : 0);
}

function drawItem(item, { fade, showDoubt, cross, brush }) {
  const box = boxOf(item);
  const zoom = zoomOf(box);
  if (viewer.width !== box.width * zoom || viewer.height !== box.height * zoom) {
    viewer.width = box.width * zoom;
    viewer.height = box.height * zoom;
  }
  const context = viewer.getContext("2d");
  drawPicture(context, box, fade, showDoubt);
  if (item.kind === "place") {
    context.drawImage(marksPicture(box), 0, 0, viewer.width, viewer.height);
  } else {
    drawPlaces(context, item.number, zoom);
  }
  if (cross !== null) {
    drawCross(context, cross, zoom, brush);
  }
}

function drawPlaces(context, image, zoom) {
  review.places.forEach((place, number) => {
    if (place.image === image) {
      const area = [place.left, place.top, place.width, place.height].map((n) => n * zoom);
      for (const [colour, width] of [["#000", 4], ["#ffd24a", 2]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.strokeRect(...area);
      }
      context.font = "bold 20px system-ui, sans-serif";
      context.lineWidth = 4;
      context.strokeStyle = "#000";
      context.strokeText(String(number + 1), area[0] + 6, area[1] + 22);
      context.fillStyle = "#ffd24a";
      context.fillText(String(number + 1), area[0] + 6, area[1] + 22);
    }
  });
}

function drawCross(context, cross, zoom, brush) {
  const x = cross.column * zoom;
  const y = cross.row * zoom;
  const reach = Math.max(brush / 2, 0.5) * zoom;
  for (const [colour, width] of [["#000", 4], ["#fff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, reach, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * reach, y + dy * reach);
      context.lineTo(x + dx * (reach + 10), y + dy * (reach + 10));
    }
    context.stroke();
  }
}

// Where in the item's rectangle a pointer is, in pixels of the image.
function pointOf(event, box) {
  const area = viewer.getBoundingClientRect();
  return {
    row: ((event.clientY - area.top) / area.height) * box.height,
    column: ((event.clientX - area.left) / area.width) * box.width,
  };
}
