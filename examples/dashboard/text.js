const FRACTION_DIGITS = 3;
/** Longer numbers would not fit their card. */
const SCIENTIFIC_FROM = 1e15;

export const seconds = () => Date.now() / 1000;
export const clockTime = (timestamp) => new Date(timestamp * 1000).toLocaleTimeString();
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

/** Keeps as many decimals as it has met, so that a figure does not jump between 21 and 21.5. */
export function createFormat() {
  let digits = 0;
  return (value) => {
    if (typeof value !== 'number') return String(value);
    if (Math.abs(value) >= SCIENTIFIC_FROM) return value.toExponential(FRACTION_DIGITS);
    digits = Math.max(digits, decimals(value));
    return value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: FRACTION_DIGITS });
  };
}

const decimals = (number) => (String(Number(number.toFixed(FRACTION_DIGITS))).split('.')[1] ?? '').length;

export function duration(length) {
  if (length < 60) return `${Math.round(length)} s`;
  if (length < 5400) return `${Math.round(length / 60)} min`;
  return length < 129_600 ? `${Math.round(length / 3600)} h` : `${Math.round(length / 86_400)} days`;
}

export const ago = (age) => (age < 3 ? 'Just now' : `${duration(age)} ago`);
