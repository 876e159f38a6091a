/** Whether a password is long and mixed enough: 12 characters, three kinds of upper case, lower case, digits, other signs. */
export function isStrongPassword(password: string): boolean {
  const kinds = [/[A-Z]/, /[a-z]/, /\d/, /[^A-Za-z\d]/].filter((kind) => kind.test(password)).length;
  return [...password].length >= 12 && kinds >= 3;
}
