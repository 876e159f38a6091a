// The forms of names, values, times and numbers.

const NAME = /^[0-9A-Za-z:/._-]{1,64}$/;
const VALUE = /^[0-9A-Za-z .,:-]{1,200}$/;
const DRAW_ID = /^draws\/[0-9]{4}-(?:(?!0000$)[0-9]{4}|[1-9][0-9]{4,})$/;
const DIGEST = /^[0-9a-f]{64}$/;
const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const TIME = /^(.{10})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;
const SIGNATURE = /^[0-9A-Za-z_-]{86}$/;
const DRAND = /^drand:quicknet:[1-9][0-9]*$/;
const LOTTERY = /^lottery:(?:ssq|demo):[1-9][0-9]*$/;

/** Rounds and issues are numbers of 64 bits. */
const ROUND_MAX = 2n ** 64n - 1n;

// The national lottery (ssq) draws six red numbers of 33 and a blue one of 16.
const RED_MAX = 33;
const BLUE_MAX = 16;

export const isName = (text: string): boolean => NAME.test(text);
export const isValue = (text: string): boolean => VALUE.test(text);
export const isDrawId = (text: string): boolean => DRAW_ID.test(text);
export const isDigest = (text: string): boolean => DIGEST.test(text);
export const isSignature = (text: string): boolean => SIGNATURE.test(text);
export const isText = (text: string): boolean => text.length > 0;

export function isDate(text: string): boolean {
  const found = DATE.exec(text);
  if (!found) return false;
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1];
  return year >= 1 && days !== undefined && day >= 1 && day <= days;
}

export function isTime(text: string): boolean {
  const found = TIME.exec(text);
  return found !== null && isDate(found[1]);
}

/** Whether a beacon names a source and a round that the protocol knows. */
export const isBeacon = (contributor: string): boolean =>
  (DRAND.test(contributor) || LOTTERY.test(contributor)) && BigInt(contributor.slice(contributor.lastIndexOf(":") + 1)) <= ROUND_MAX;

/** A beacon only a demonstration may use. */
export const isDemoBeacon = (contributor: string): boolean => contributor.startsWith("lottery:demo:");

/** Whether a value has the form that the beacon's source gives. */
export function isBeaconValue(contributor: string, value: string): boolean {
  if (!isBeacon(contributor)) return false;
  if (DRAND.test(contributor)) return /^[0-9a-f]{96}$/.test(value);
  if (!LOTTERY.test(contributor) || !/^[0-9]{2}(?: [0-9]{2}){6}$/.test(value)) return false;
  const numbers = value.split(" ").map(Number);
  const [red, blue] = [numbers.slice(0, 6), numbers[6]];
  return red.every((number, i) => number > (i === 0 ? 0 : red[i - 1]) && number <= RED_MAX) && blue >= 1 && blue <= BLUE_MAX;
}
