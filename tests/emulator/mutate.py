#!/usr/bin/env python3
"""Removes the barriers, waits and bounds checks of the CUDA kernels, one at a time, and says which of them no test misses.

All mutants are compiled at once for the emulated device (tests/emulator/), each behind a number that the environment chooses, and
linked into one copy of test_emulator, which is run for each: the quick tests first. One that survives is superfluous, or needs a
test. The sources stay as they are; the build folder does too. Bounds that a mutant leaves may read or write out of range unseen: a
folder set up with -Db_sanitize=address sees them.

  usage:   mutate.py [--kind barrier|wait|bound] [--jobs N] [--timeout SECONDS] [--only LINE] [--quick] [--list] BUILD [FILE...]
  example: meson setup build && ninja -C build tests/test_emulator
           tests/emulator/mutate.py --kind barrier build attention_tiles.cu attention_general.cu

FILE is a name in backends/cuda/; all files with code for the device are taken where none is given. What is killed takes seconds,
what survives as long as all tests.
"""
import argparse
import concurrent.futures
import functools
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERNELS = 'backends/cuda'
HEADERS = ['device.h', 'matrix.h', 'attention.h', 'attention_tiles.h', 'sequences.h', 'sums.h', 'dropout.h']
PROGRAM = 'tests/test_emulator'

# How large a tensor is, or how many of something there are, by the names that kernels give it.
LIMIT = (r'((?:\w+(?:\[[^\]]*\])?(?:\.|->|::))*(?:'
         r'(?:count|length|rows|columns|size|tags|elements|end|middle|last|last_row|units|gates|directions|kept|pieces|used|whole'
         r'|n|m|k|warps|queries|keys_here|tile_keys|tile_queries|tile_distances)\b(?![(.\w]| /)'
         r'|(?:end|used|mask_blocks)\([^()]*\)|firsts\[[^\]]*\]|static_cast<unsigned>\(size\)|(?:blockDim\.x|threads) / 32))')
FAR = '(1LL << 40)'

# Kind, name, what is looked for, and what comes in its place: {on} is whether the mutant is chosen, {all} what was found, {0} and {1}
# its groups. Where two overlap, the first one counts.
RECOGNISERS = [
    ('barrier', 'block barrier', r'(__syncthreads\(\)|GRADUS_BARRIER);', '({on} ? void() : {0});'),
    ('barrier', 'warp barrier', r'(__syncwarp\(\));', '({on} ? void() : {0});'),
    ('wait', 'wait for copies', r'(wait_for_copies<\w+>\(\));', '({on} ? void() : {0});'),
    # A loop goes one too far, which one that doubles does not notice. Any other comparison finds everything within the bounds.
    ('bound', 'end of a loop', r'((?:for \([^;\n]*;|while \()[^;{}]*?) (<=?) ' + LIMIT + r'(?!; \w+ \*=)', '{0} {1} {on} + {2}'),
    ('bound', 'upper bound', r' (<|>|>=) ' + LIMIT, ' {0} ({on} ? ' + FAR + ' : 0) + {1}'),
    ('bound', 'lower bound', r'\b(step|begin) > 0\b', '{0} > ({on} ? -' + FAR + ' : 0)'),
    ('bound', 'lower bound', r' (>=?) begin\b', ' {0} ({on} ? -' + FAR + ' : 0) + begin'),
    ('bound', 'lower bound', r' (<|>=) 0\b(?![.\w])', ' {0} ({on} ? -' + FAR + ' : 0)'),
    ('bound', 'smaller of two', r'std::min(?:<\w+>)?\(([^(),]+), ' + LIMIT + r'(?: - 1)?\)', '({on} ? {0} : {all})'),
    ('bound', 'larger of two', r'std::max(?:<\w+>)?\(([^(),]+), 0\)', '({on} ? {0} : {all})'),
    ('bound', 'between two', r'std::clamp\(([^(),]+), [^()]*\)', '({on} ? {0} : {all})'),
    ('bound', 'early exit', r'if \(([^;{}]* (?:<|>=) [^;{}]*)\) (return|continue|break);', 'if (!{on} && ({0})) {1};'),
]
CHOSEN = 'gradus_mutant'
VARIABLE = 'GRADUS_MUTANT'  # of the environment: the number of a mutant, 0 for none
CHOICE = f'''#pragma once
#include <cstdlib>
inline const int {CHOSEN} = [] {{
  const char* const number = std::getenv("{VARIABLE}");
  return number == nullptr ? 0 : std::atoi(number);
}}();
'''

# Checks that only save work: without them the same numbers come out, since what they skip is checked where memory is touched. A loop
# over tiles has zeros in a tile too many.
SAVINGS = {
    'attention_general.cu': ['if (head.first >= head.length)', 'for (int64_t key = 0; key < head.length; key += tile_keys)',
                             'for (int64_t query = 0; query < head.length; query += tile_queries)',
                             # Distances beyond a tile's are those of keys outside of it.
                             'const int64_t first = row == 0 ? 0 : std::max', 'row == 2 * table.farthest ? tile_distances - 1 :'],
    'attention_tiles.cu': ['if (head.first >= head.length) return;', 'if (key + keys < head.length) begin_keys('],
    # A block of the mask too many has no columns.
    'layer_norm.cu': ['for (int64_t number = threadIdx.x % 32; number < mask_blocks(columns)'],
    # A step too many is one that no sequence takes.
    'lstm.cu': ['for (int64_t first = slab * slab_rows; first < end; first += tokens_at_once)',
                'for (int32_t step = 0; step < readings[0].length; ++step)'],
    'products.cu': ['for (int64_t first = 0; first < k; first += tile)'],
}

# The operators that a file is for, of those of the op table: a mutant is tried with them first.
OPERATORS = {
    'attention.cu': 'attention',
    'attention.h': 'attention',
    'attention_general.cu': 'attention',
    'attention_tiles.cu': 'attention',
    'attention_tiles.h': 'attention',
    'attention_tiles_backward.cu': 'attention',
    'crf.cu': 'crf_nll',
    'device.h': 'add,linear,layer_norm,cross_entropy,crf_nll',
    'dropout.h': 'dropout,dropout_add_layer_norm,attention',
    'embedding_gradient.cu': 'embedding',
    'layer_norm.cu': 'layer_norm,dropout_add_layer_norm',
    'linear.cu': 'linear,linear_activation,activation_linear,linear_cross_entropy',
    'losses.cu': 'cross_entropy,linear_cross_entropy,squared_error,span_cross_entropy,weighted_sum',
    'lstm.cu': 'lstm',
    'matrix.h': 'attention',
    'optimizer.cu': '',
    'pointwise.cu': 'add,activation,dropout,cast,recompute',
    'products.cu': 'linear,linear_activation,activation_linear,linear_cross_entropy',
    'rows.cu': 'embedding,gather_rows',
    'sequences.h': 'crf_nll,lstm,attention',
    'sums.h': 'cross_entropy,squared_error,crf_nll,lstm,attention',
}

# Filters of doctest for tests of the op table: what fails soon comes first. The last two take longest.
TABLE = ['forward: *', 'backward: *', 'backend against backend*', 'the kernels that the device has give the same bits*',
         'large cases on a device agree*']
# Other tests of the op table.
ALSO_TABLE = ['any number of threads*', 'a gradient is the same*', 'a repeated run*', 'a fused op is*']


def blank(text):
    return re.sub(r'[^\n]', ' ', text)


def device_code(text):
    """The text with all blanked that no kernel runs on the emulated device: comments, what nvcc alone reads, the host's functions."""
    text = re.sub(r'//[^\n]*', lambda match: blank(match[0]), text)
    lines, emulated = [], []  # of the #if around: whether the line is the emulated device's
    for line in text.split('\n'):
        if line.startswith('#if'):
            emulated.append('GRADUS_EMULATED_DEVICE' not in line or line.startswith('#ifdef'))
        elif line.startswith('#else'):
            emulated[-1] = not emulated[-1]
        elif line.startswith('#endif'):
            emulated.pop()
        lines.append(line if all(emulated) and not line.startswith('#') else blank(line))
    text = '\n'.join(lines)
    kept, end = list(blank(text)), 0
    for match in re.finditer(r'__(?:global|device)__', text):
        if match.start() < end:
            continue
        depth, end = 0, match.start()
        opened = False
        while end < len(text) and not (opened and depth == 0):
            # The body is the first brace outside of parentheses; a declaration has none.
            if text[end] == ';' and depth == 0:
                break
            if text[end] in '({':
                depth += 1
                opened = opened or text[end] == '{' and depth == 1
            elif text[end] in ')}':
                depth -= 1
            end += 1
        kept[match.start():end] = text[match.start():end]
    return ''.join(kept)


class Mutant:
    def __init__(self, file, text, kind, name, match, replacement):
        self.file, self.kind, self.name, self.match, self.replacement = file, kind, name, match, replacement
        self.begin, self.end = match.span()
        # Of a match over several lines, the last one is told: there the comparison ends.
        self.line = text.count('\n', 0, self.end) + 1
        self.what = ' '.join(text[self.begin:self.end].split())
        self.source = text.split('\n')[self.line - 1].strip()
        self.saves = any(self.source.startswith(start) for start in SAVINGS.get(file, []))

    def text(self, number):
        """What comes in its place, where it is chosen by its number."""
        return self.replacement.format(*self.match.groups(), all=self.match[0], on=f'({CHOSEN} == {number})')

    def __str__(self):
        return f'{KERNELS}/{self.file}:{self.line}: {self.name}: {self.what!r} in {self.source!r}'


def mutants_of(file, kinds):
    text = (ROOT / KERNELS / file).read_text()
    code, found = device_code(text), []
    for kind, name, pattern, replacement in RECOGNISERS:
        for match in re.finditer(pattern, code):
            if not any(match.start() < other.end and other.begin < match.end() for other in found):
                found.append(Mutant(file, text, kind, name, match, replacement))
    return sorted((mutant for mutant in found if mutant.kind in kinds), key=lambda mutant: mutant.begin)


class Build:
    """A build folder: what is compiled from which file, and how the program is linked."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).resolve()
        commands = json.loads((self.folder / 'compile_commands.json').read_text())
        self.compile = {entry['output']: shlex.split(entry['command']) for entry in commands}
        lines = self.ninja('-t', 'commands', PROGRAM).splitlines()
        self.link = shlex.split(lines[-1])
        used = {word for line in lines for word in shlex.split(line)}
        self.files = {}  # by object of the program, those that it is made of
        objects = self.ninja('-t', 'deps')
        for block in objects.split('\n\n'):
            head, *files = block.strip().split('\n')
            name = head.split(':')[0]
            if name in used and name in self.compile and name.startswith('tests/'):
                self.files[name] = {os.path.normpath(self.folder / file.strip()) for file in files}

    def ninja(self, *arguments):
        return subprocess.run(['ninja', '-C', str(self.folder), *arguments], check=True, capture_output=True, text=True).stdout

    def affected(self, file):
        path = str(ROOT / KERNELS / file)
        return sorted(name for name, files in self.files.items() if path in files)

    def compile_command(self, name, overlay, target):
        """The command for an object with the overlay's files before the project's; warnings no longer stop it."""
        words, command, skip = self.compile[name], [], False
        for word in words:
            if skip:
                skip = False
            elif word in ('-MD', '-Werror'):
                continue
            elif word in ('-MQ', '-MF', '-o'):
                skip = True
            else:
                command.append(word)
        first = next(i for i, word in enumerate(command) if word.startswith('-I'))
        return [*command[:first], '-I' + str(overlay), '-include', str(overlay / 'choice.h'), *command[first:], '-w',
                '-o', str(target)]

    def link_command(self, objects, target):
        """The command for the program with other objects: they come first, so that an archive's members are not asked for."""
        at = self.link.index('-o')
        rest = [word for word in self.link[at + 2:] if word not in objects]
        return self.link[:at] + ['-o', str(target)] + [str(path) for path in objects.values()] + rest


def run(command, folder, timeout=None, env=None):
    """Exit status and output; None where it took too long, of a processor's time, or ten times as long, of which others may have
    taken the most. The command's own processes end with it."""
    if timeout is not None:
        command = ['sh', '-c', 'ulimit -S -t "$0" && exec "$@"', str(timeout), *command]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors='replace', start_new_session=True)
    try:
        output, _ = process.communicate(timeout=timeout and 10 * timeout)
        return (None if process.returncode == -signal.SIGXCPU else process.returncode), output
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None, ''


def last_info(output):
    """Of a failed run: its first assertion, and what it was about."""
    lines = [line.strip() for line in output.split('\n')]
    told = [line for line in lines if 'ERROR:' in line or 'AddressSanitizer' in line or '[emulated device]' in line]
    about = [line.split('logged:')[1].strip() for line in lines if 'logged:' in line]
    return ' | '.join((told[:1] or ['no word']) + about[:1])[:200]


def stages(file, quick):
    """Names of the stages, the option that chooses their tests, and the operators of the table that they are of: None for all."""
    others = ('the other tests', '-tce=' + ','.join(TABLE + ALSO_TABLE), None)
    table = [(stage, '-tc=' + stage, None) for stage in [*TABLE[:-2], ','.join(ALSO_TABLE), *TABLE[-2:]]]
    operators = OPERATORS.get(file)
    if operators is None:
        return [*table[:-2], others, *table[-2:]]
    own = [(f'{stage} ({operators})', chosen, operators) for stage, chosen, _ in table] if operators else []
    return [*own[:-2], others, *(own[-2:] if quick else table)]


def test(program, build, number, chosen, operators, timeout):
    """What is wrong with a mutant in the chosen tests, or None."""
    # The program's own library is found from where it lies, and tests read what lies beside the build's programs.
    env = {**os.environ, 'GRADUS_SOURCE': str(ROOT), 'GRADUS_PROGRAMS': str(build.folder / 'tasks'),
           'LD_LIBRARY_PATH': str(build.folder / 'core'), VARIABLE: str(number)}
    env.setdefault('GRADUS_SHARED', str(ROOT.parent / 'shared'))
    env.setdefault('ASAN_OPTIONS', 'detect_leaks=0')
    if operators is not None:
        env['GRADUS_OPS'] = operators
    status, output = run([str(program), '--abort-after=1', '--no-colors=1', chosen], build.folder / 'tests', timeout, env)
    if re.search(r'test cases: +0 ', output):
        sys.exit(f'error: no test is called {chosen}')
    if status is None:
        return 'it hangs'
    if status < 0:
        return f'signal {-status}'
    return last_info(output) if status != 0 else None


@functools.lru_cache(maxsize=None)
def fails_anyway(program, build, chosen, operators, timeout):
    """What is wrong with the program without a mutant: then a mutant's failure says nothing."""
    return test(program, build, 0, chosen, operators, timeout)


def compile_mutants(mutants, build, folder, jobs):
    """A copy of the program in which the environment chooses mutant 1, 2, ... of the list."""
    overlay = folder / 'overlay'
    (overlay / KERNELS).mkdir(parents=True)
    (overlay / 'choice.h').write_text(CHOICE)
    objects = {}
    for file in dict.fromkeys(mutant.file for mutant in mutants):
        text, at, parts = (ROOT / KERNELS / file).read_text(), 0, []
        for number, mutant in enumerate(mutants, 1):
            if mutant.file == file:
                parts += [text[at:mutant.begin], mutant.text(number)]
                at = mutant.end
        (overlay / KERNELS / file).write_text(''.join(parts) + text[at:])
        affected = build.affected(file)
        if not affected:
            sys.exit(f'error: {PROGRAM} has nothing of {file}')
        for name in affected:
            objects.setdefault(name, folder / f'{len(objects)}.o')
    print(f'{len(mutants)} mutants: {len(objects)} objects to compile', flush=True)

    def compile_one(item):
        status, output = run(build.compile_command(item[0], overlay, item[1]), build.folder)
        if status != 0:
            sys.exit(f'error: {item[0]} does not compile:\n{output}')

    with concurrent.futures.ThreadPoolExecutor(jobs) as workers:
        for _ in workers.map(compile_one, objects.items()):
            pass
    program = folder / 'test_emulator'
    status, output = run(build.link_command(objects, program), build.folder)
    if status != 0:
        sys.exit(f'error: it does not link: {output[-300:]}')
    return program


def try_mutant(number, mutant, program, build, quick, timeout):
    """'killed', 'SURVIVED' or 'saves', and why."""
    for stage, *tests in stages(mutant.file, quick):
        failure = test(program, build, number, *tests, timeout)
        if failure and (before := fails_anyway(program, build, *tests, timeout)):
            sys.exit(f'error: {stage}: without a mutant too: {before}')
        if failure:
            return 'killed', f'{stage}: {failure}'
    return ('saves', 'known to save work alone') if mutant.saves else ('SURVIVED', '')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('files', nargs='*', metavar='FILE')
    parser.add_argument('--kind', action='append', choices=['barrier', 'wait', 'bound'])
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--timeout', type=int, default=300, help='seconds of a processor that a few tests may take')
    parser.add_argument('--only', type=int, action='append', metavar='LINE', help='the mutants of this line')
    parser.add_argument('--quick', action='store_true',
                        help='of the op table only the operators that a file is for: what survives has to be tried without')
    parser.add_argument('--list', action='store_true', help='say what would be removed')
    options = parser.parse_args()
    files = options.files or sorted(path.name for path in (ROOT / KERNELS).glob('*.cu')) + HEADERS
    kinds = options.kind or ['barrier', 'wait', 'bound']
    mutants = [mutant for file in files for mutant in mutants_of(file, kinds)]
    if options.only:
        mutants = [mutant for mutant in mutants if mutant.line in options.only]
    if options.list:
        print('\n'.join(map(str, mutants)))
        return 0
    build, counts = Build(options.build), {'killed': 0, 'SURVIVED': 0, 'saves': 0}
    with tempfile.TemporaryDirectory(prefix='mutants') as folder:
        program = compile_mutants(mutants, build, pathlib.Path(folder), options.jobs)

        def one(numbered):
            begin = time.monotonic()
            outcome, why = try_mutant(*numbered, program, build, options.quick, options.timeout)
            return numbered[1], outcome, why, time.monotonic() - begin

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as workers:
            for mutant, outcome, why, seconds in workers.map(one, enumerate(mutants, 1)):
                counts[outcome] += 1
                print(f'{outcome} ({seconds:.0f} s) {mutant}' + (f': {why}' if why else ''), flush=True)
    print(f'{len(mutants)} mutants, {counts["killed"]} killed, {counts["SURVIVED"]} survived, '
          f'{counts["saves"]} that save work alone')
    return 1 if counts['SURVIVED'] else 0


if __name__ == '__main__':
    sys.exit(main())
