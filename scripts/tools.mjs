/** Checks that this machine has what the set-up needs, before anything is written. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { root, run } from './command.mjs';
import { SetupError } from './console.mjs';

const oldestNode = [20, 19];
const oldestCmake = [3, 22];
const megabyte = 2 ** 20;

function installHint(debianPackage) {
  if (process.platform === 'darwin') return 'for example with: xcode-select --install, or Homebrew';
  if (process.platform === 'win32') return 'for example with the Visual Studio Build Tools';
  return `for example with: apt-get install ${debianPackage}`;
}

function isOlder(version, oldest) {
  const [major = 0, minor = 0] = version;
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
}

function numbers(text) {
  return (/(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []).slice(1).filter(Boolean).map(Number);
}

function checkNode() {
  if (!isOlder(numbers(process.versions.node), oldestNode)) return `node ${process.versions.node}`;
  throw new SetupError(
    `Node ${oldestNode.join('.')} or newer is needed, but this is ${process.versions.node}. Install a newer Node.`,
  );
}

/** Compiles one C++20 line with `$CXX` or the usual names; Windows is left to CMake, which finds Visual Studio. */
async function checkCompiler(env) {
  if (process.platform === 'win32') return 'C++ compiler left to CMake';
  const names = env.CXX ? [env.CXX] : ['c++', 'g++', 'clang++'];
  for (const name of names) {
    const [program, ...args] = name.split(' ');
    const version = await run(program, [...args, '--version'], { env });
    if (version.status !== 0) continue;
    const probe = await run(
      'sh',
      [
        '-c',
        `printf '#include <concepts>\\nstatic_assert(std::integral<int>);' | ${name} -std=c++20 -fsyntax-only -x c++ -`,
      ],
      { env },
    );
    if (probe.status !== 0) {
      throw new SetupError(
        `${name} cannot compile C++20. Install GCC 11 or Clang 14 or newer (${installHint('g++')}), or set CXX to one.`,
      );
    }
    return `${name} ${numbers(version.output).join('.')}`;
  }
  const missing = env.CXX ? `CXX is set to ${env.CXX}, which cannot be run` : 'No C++ compiler was found';
  throw new SetupError(`${missing}. Install one (${installHint('g++')}), or set CXX to it.`);
}

async function checkCmake(env) {
  const { status, output } = await run('cmake', ['--version'], { env });
  if (status !== 0) throw new SetupError(`CMake was not found. Install it (${installHint('cmake')}).`);
  const version = numbers(output);
  if (isOlder(version, oldestCmake)) {
    throw new SetupError(
      `CMake ${oldestCmake.join('.')} or newer is needed, but this is ${version.join('.')}. Install a newer one (${installHint('cmake')}).`,
    );
  }
  return `cmake ${version.join('.')}`;
}

/** The CMake generator to use: Ninja where it is, else make. Undefined on Windows: CMake chooses. */
export async function findGenerator(env = process.env) {
  if ((await run('ninja', ['--version'], { env })).status === 0) return 'Ninja';
  if (process.platform === 'win32') return undefined;
  if ((await run('make', ['--version'], { env })).status === 0) return 'Unix Makefiles';
  throw new SetupError(`Neither ninja nor make was found. Install one (${installHint('ninja-build')}).`);
}

/** Throws unless each folder's disk has the given megabytes free. */
export async function checkDisk(needs, freeMegabytes = freeOn) {
  for (const { folder, megabytes, purpose } of needs) {
    const free = await freeMegabytes(folder);
    if (free < megabytes) {
      throw new SetupError(
        `${megabytes} MB of free disk space are needed in ${folder} for ${purpose}, but only ${Math.floor(free)} MB are free. Free some space and run this again.`,
      );
    }
  }
}

async function freeOn(folder) {
  const { bavail, bsize } = await statfs(folder);
  return (bavail * bsize) / megabyte;
}

/** Checks every tool; resolves to a list of what was found, for the eye. */
export async function checkTools(env = process.env) {
  const found = [checkNode(), await checkCompiler(env), await checkCmake(env)];
  const generator = await findGenerator(env);
  if (generator) found.push(generator === 'Ninja' ? 'ninja' : 'make');
  await checkDisk([
    { folder: root, megabytes: 600, purpose: 'packages and the build' },
    { folder: tmpdir(), megabytes: 100, purpose: "the compiler's temporary files" },
  ]);
  return found.join(', ');
}
