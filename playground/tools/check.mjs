// Prints a line for each check, and sets the exit code when a script's checks are over.

let passed = 0;
let failed = 0;

/** Says whether `isTrue`; the detail is shown only if not. */
export function check(name, isTrue, detail = '') {
  const text = isTrue || !detail ? '' : `: ${String(detail).slice(0, 2_000)}`;
  console.log(`${isTrue ? 'pass' : 'FAIL'} ${name}${text}`);
  if (isTrue) passed += 1;
  else failed += 1;
  return isTrue;
}

/** Runs checks; what breaks off is a failed check. */
export async function attempt(name, run) {
  try {
    return await run();
  } catch (error) {
    check(`${name} came to its end`, false, error.stack);
    return undefined;
  }
}

/** The last line, and 1 as the exit code if a check failed or there was none. */
export function report() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

/** The command-line arguments, or the usage and an end. */
export function wanted(...names) {
  const given = process.argv.slice(2);
  if (given.length < names.length) {
    console.error(`usage: node ${process.argv[1].split('/').pop()} ${names.join(' ')}`);
    process.exit(2);
  }
  return given;
}
