import { expect, test } from "vitest";
import { distance } from "../src/time";

const now = new Date("2026-03-01T12:00:00Z");

test("a moment ahead and one behind", () => {
  expect(distance(new Date("2026-03-01T12:40:00Z"), now)).toBe("in 40 min");
  expect(distance(new Date("2026-03-01T11:48:00Z"), now)).toBe("12 min ago");
});
