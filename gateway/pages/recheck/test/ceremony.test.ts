import { describe, expect, it } from "vitest";
import { left, pauseSecs, rollMs } from "../src/ceremony_pace.ts";

describe("the ceremony's page", () => {
  it("asks often while something may happen, seldom when nothing does, and backs off from silence", () => {
    const pace = { failures: 0, unchanged: 0, nextSecs: null };
    expect(pauseSecs(pace)).toBe(2);
    expect(pauseSecs({ ...pace, unchanged: 1000 })).toBe(10);
    expect(pauseSecs({ ...pace, unchanged: 1000, nextSecs: 60 })).toBe(2);
    expect([1, 2, 3, 4, 5, 99].map((failures) => pauseSecs({ ...pace, failures, nextSecs: 1 }))).toEqual([4, 8, 16, 32, 60, 60]);
  });

  it("shows each of the drawn long enough to be read, and a page of them within a minute or so", () => {
    expect([0, 1, 10, 50, 100, 1000].map(rollMs)).toEqual([1200, 1200, 1200, 1200, 600, 300]);
  });

  it("says what is left in whole minutes", () => {
    expect([-5, 0, 1, 59, 60, 3599, 3600, 7260, 172_800].map((secs) => left(secs, "zh"))).toEqual([
      "", "", "（不到1分钟）", "（不到1分钟）", "（还有1分钟）", "（还有59分钟）", "（还有1小时0分）", "（还有2小时1分）", "（还有2天）",
    ]);
    expect(left(7260, "en")).toBe(" (2 h 1 min left)");
  });
});
