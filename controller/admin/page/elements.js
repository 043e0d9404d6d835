// Names and reasons come from other people's objects and routers: they are only ever set as text.

const NONE = '–';
const UNITS = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]];

/** An element with a class and children; children that are strings become text. */
export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** Puts children in the place of those that the element has. */
export function fill(id, children) {
  document.getElementById(id).replaceChildren(...children);
}

/** Of a table; each cell is a string, an element, or a list of elements. */
export function row(...cells) {
  return element('tr', '', ...cells.map((cell) => element('td', '', ...(Array.isArray(cell) ? cell : [cell === '' ? NONE : cell]))));
}

/** The largest unit and the one below it, as kubectl has it: `3d4h`. */
export function age(ms) {
  const found = UNITS.findIndex(([, unit]) => ms >= unit);
  if (found === -1) return '0s';
  let left = ms;
  return UNITS.slice(found, found + 2).map(([name, unit]) => {
    const count = Math.floor(left / unit);
    left -= count * unit;
    return count === 0 ? '' : `${count}${name}`;
  }).join('');
}
