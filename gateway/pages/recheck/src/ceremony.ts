// The ceremony's page follows its draw: it asks for the same parts again and puts in place what changed. It asks with what it
// knows (If-None-Match), not while nobody looks, more seldom when nothing answers, and no more once nothing can change.
import { left, pauseSecs, type Pace, rollMs, TEXTS } from "./ceremony_pace.ts";
import type { Language } from "./message.ts";

const language: Language = document.documentElement.lang === "en" ? "en" : "zh";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Shows the drawn one after the other. */
class Rolling {
  private timer = 0;
  private rows: HTMLElement[] = [];
  /** Whether the page moves along: until somebody moves it otherwise. */
  private along = true;

  constructor() {
    const mine = (): void => {
      this.along = false;
    };
    for (const kind of ["wheel", "touchstart", "keydown", "pointerdown"]) addEventListener(kind, mine, { passive: true });
    document.addEventListener("click", (event) => {
      const asked = event.target instanceof HTMLElement ? event.target.dataset["roll"] : undefined;
      if (asked === "again") {
        this.along = true;
        this.start();
      } else if (asked === "all") {
        this.all();
      }
    });
    this.offer(false);
  }

  /** From the first on; all at once for whoever wants nothing to move. */
  start(): void {
    this.all();
    this.rows = [...document.querySelectorAll<HTMLElement>(".rolling > li")];
    if (calm.matches || this.rows.length === 0) return;
    for (const row of this.rows) {
      row.hidden = true;
      row.classList.remove("came");
    }
    this.offer(true);
    this.follow(document.getElementById("drawn"));
    const pause = rollMs(this.rows.length);
    let next = 0;
    const step = (): void => {
      const row = this.rows[next++];
      if (!row) {
        this.all();
        return;
      }
      row.hidden = false;
      row.classList.add("came");
      this.follow(row);
      this.timer = window.setTimeout(step, pause);
    };
    step();
  }

  /** Whatever is still to come is there. */
  all(): void {
    clearTimeout(this.timer);
    for (const row of this.rows) row.hidden = false;
    this.rows = [];
    this.offer(false);
  }

  follow(element: Element | null): void {
    if (this.along) element?.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
  }

  private offer(rolling: boolean): void {
    const has = document.querySelector(".rolling > li") !== null;
    for (const button of document.querySelectorAll<HTMLElement>("[data-roll]")) {
      button.hidden = !has || calm.matches || (button.dataset["roll"] === "all") !== rolling;
    }
  }
}

class Ceremony {
  private etag = "";
  private readonly known = new Map<string, string>();
  private readonly rolling = new Rolling();
  private readonly following = document.getElementById("following");
  private readonly pace: Pace = { failures: 0, unchanged: 0, nextSecs: null };
  private timer = 0;
  private asking = false;
  private over = false;
  /** The site's clock, by the milliseconds of this page. */
  private ahead: number;

  constructor(
    private readonly stage: HTMLElement,
    private readonly live: string,
  ) {
    this.ahead = Date.parse(stage.dataset["now"] ?? "") - performance.now();
    for (const part of this.parts(document)) this.known.set(part.id, part.innerHTML);
    this.over = this.isOver(document);
    this.count();
    window.setInterval(() => this.count(), 1000);
    document.addEventListener("visibilitychange", () => this.plan(0));
    this.say(this.over ? "over" : "following");
    if (!this.over) void this.ask();
  }

  private parts(within: ParentNode): HTMLElement[] {
    return [...within.querySelectorAll<HTMLElement>("[data-part]")];
  }

  private isOver(within: ParentNode): boolean {
    return within.querySelector<HTMLElement>("#ceremony")?.dataset["over"] === "true";
  }

  /** What is left until each time that is to come. */
  private count(): void {
    const now = this.ahead + performance.now();
    let next: number | null = null;
    for (const place of this.stage.querySelectorAll<HTMLElement>("[data-until]")) {
      const secs = Math.round((Date.parse(place.dataset["until"] ?? "") - now) / 1000);
      const text = left(secs, language);
      if (place.textContent !== text) place.textContent = text;
      if (secs > -30 && (next === null || secs < next)) next = secs;
    }
    this.pace.nextSecs = next;
  }

  private plan(secs: number): void {
    clearTimeout(this.timer);
    if (this.over || document.hidden) return;
    this.timer = window.setTimeout(() => void this.ask(), secs * 1000);
  }

  private async ask(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      const headers: HeadersInit = this.etag === "" ? {} : { "If-None-Match": this.etag };
      const answer = await fetch(this.live, { headers, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(20_000) });
      if (answer.status !== 304 && !answer.ok) throw new Error(`status ${answer.status}`);
      const time = Date.parse(answer.headers.get("x-time") ?? "");
      if (!Number.isNaN(time)) this.ahead = time - performance.now();
      this.pace.failures = 0;
      this.pace.unchanged = answer.status === 304 ? this.pace.unchanged + 1 : 0;
      if (answer.status !== 304) {
        this.put(await answer.text());
        this.etag = answer.headers.get("etag") ?? "";
      }
      this.say(this.over ? "over" : "following");
    } catch {
      this.pace.failures += 1;
      this.say("lost");
    } finally {
      this.asking = false;
    }
    this.plan(pauseSecs(this.pace));
  }

  private put(text: string): void {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of this.parts(fresh)) {
      const place = document.getElementById(part.id);
      if (!place || this.known.get(part.id) === part.innerHTML) continue;
      const first = this.known.get(part.id);
      this.known.set(part.id, part.innerHTML);
      const held = place.contains(document.activeElement);
      const hadRows = place.querySelector(".rolling > li") !== null;
      place.replaceChildren(...document.importNode(part, true).childNodes);
      if (held) {
        place.tabIndex = -1;
        place.focus({ preventScroll: true });
      }
      if (part.id === "drawn" && !hadRows) this.rolling.start();
      else if (first !== undefined && part.id !== "now") this.rolling.follow(place);
    }
    this.over = this.isOver(fresh);
    this.count();
  }

  private say(what: keyof typeof TEXTS): void {
    if (!this.following) return;
    this.following.hidden = false;
    const text = TEXTS[what][language];
    if (this.following.textContent !== text) this.following.textContent = text;
  }
}

const stage = document.getElementById("stage");
if (stage?.dataset["live"]) new Ceremony(stage, stage.dataset["live"]);
else if (stage) new Rolling();

const whole = document.getElementById("whole-screen");
if (whole && document.fullscreenEnabled) {
  whole.hidden = false;
  whole.addEventListener("click", () => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen()));
}
