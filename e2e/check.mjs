// Prints a line for each check and sets the exit code at the end of a script.

let passed = 0;
let failed = 0;

/** Prints whether a check passed. The detail is printed only if it failed. */
export function check(name, isTrue, detail = '') {
  const text = isTrue || !detail ? '' : `: ${String(detail).slice(0, 2_000)}`;
  console.log(`${isTrue ? 'pass' : 'FAIL'} ${name}${text}`);
  if (isTrue) passed += 1;
  else failed += 1;
  return isTrue;
}

/** Runs checks. An exception is a failed check. */
export async function attempt(name, run) {
  try {
    return await run();
  } catch (error) {
    check(`${name} ran without an exception`, false, error.stack);
    return undefined;
  }
}

/** Prints the totals. The exit code is 1 if a check failed or none ran. */
export function report() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

/** The command-line arguments. Without them, prints the usage and exits. */
export function wanted(...names) {
  const given = process.argv.slice(2);
  if (given.length < names.length) {
    console.error(`usage: node ${process.argv[1].split('/').pop()} ${names.join(' ')}`);
    process.exit(2);
  }
  return given;
}
