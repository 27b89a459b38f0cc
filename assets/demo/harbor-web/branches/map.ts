/** A sketch of the harbour with the berths as boxes. */

export function svg(names: string[]): string {
  const boxes = names.map((name, i) => `<g><rect x="${i * 60}" y="10" width="50" height="20"/><text>${name}</text></g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg">${boxes.join("")}</svg>`;
}
