/**
 * A float by the rules of C's and Go's `%g`: `digits` significant digits without trailing zeros, an exponent when it is
 * below -4 or not below `digits`. Without `digits`: the shortest text that reads back as the same number, with an exponent
 * from 21 on, as Go's `%v` prints floats.
 */
export function formatG(value: number, digits?: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
  if (Object.is(value, -0)) return '-0';
  if (value === 0) return '0';
  const [mantissa, power] = (
    digits === undefined ? value.toExponential() : value.toExponential(Math.max(1, digits) - 1)
  ).split('e');
  const exponent = Number(power);
  const significant = mantissa!.includes('.') ? mantissa!.replace(/\.?0+$/, '') : mantissa!;
  if (exponent < -4 || exponent >= (digits === undefined ? 21 : Math.max(1, digits)))
    return `${significant}${formatExponent(exponent)}`;
  const places = Math.max(0, significant.replace(/[-.]/g, '').length - 1 - exponent);
  return value.toFixed(Math.min(100, places));
}

/** `e+06`, `e-07`: at least two digits, always a sign. */
export function formatExponent(exponent: number): string {
  return `e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
