#!/usr/bin/env python3
"""How many warps of each kernel a multiprocessor holds, by arithmetic: registers and shared memory as ptxas says them, the limits as NVIDIA
publishes them. Writes docs/kernels/all.md.

  usage: occupancy.py [--check] [--text]

A kernel's comment has a sentence for it, "Reads 2 b, writes b of an element; occupancy 100 % on sm_80, 75 % on sm_90.": b is the size of a
number, and the occupancy the lowest of all that the kernel is compiled for. Before its full stop may stand
  ", with 4096 bytes of dynamic shared memory"    what a launch adds
  ", with 32 threads"                             where the kernel has no launch bounds, or launches are smaller
  " for <bfloat16, 64>"                           of these template arguments alone
--check writes nothing, and fails where comments and figures, or comments and all.md, disagree; with --text it asks no compiler, and compares
comments and all.md. nvcc is $NVCC, or that of the path; status 77 without it.
"""
import argparse
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[3]
TABLE = TOP / 'docs/kernels/all.md'
HEADERS = ['backends/cuda/sums.h']  # with kernels, which sources include
NO_KERNELS = {'module.cu', 'probe.cu', 'runtime.cu', 'kernel_bench.cu'}

# Of a multiprocessor: CUDA C++ Programming Guide 13.0, section "Compute Capabilities", technical specifications; the units in which registers and
# shared memory are given out are those of CUDA's occupancy calculator (cuda_occupancy.h). Both have 64 warps, 32 blocks and 65536 registers.
WARPS, BLOCKS, REGISTERS, PARTITIONS = 64, 32, 65536, 4
REGISTER_UNIT = 256  # of a warp
SHARED_UNIT, SHARED_RESERVED = 128, 1024  # of a block
SHARED = {'sm_80': 164 << 10, 'sm_90': 228 << 10}

SENTENCE = re.compile(
    r'(?:Reads (?P<reads>[^;.]+?))?(?:, )?(?:[Ww]rites (?P<writes>[^;.]+?))? of (?P<unit>(?:an?|each|the) [^;.]+); '
    r'occupancy (?P<sm_80>\d+) % on sm_80, (?P<sm_90>\d+) % on sm_90'
    r'(?:, with (?P<shared>\d+) bytes of dynamic shared memory)?(?:, with (?P<threads>\d+) threads?)?(?: for <(?P<arguments>[^>]*)>)?\.')
KERNEL = re.compile(r'__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\(')


def fail(text):
    sys.exit(f'occupancy.py: {text}')


class Kernel:
    """A kernel of a source, what its comment states, and each form in which it is compiled."""

    def __init__(self, file, name, comment):
        self.file, self.name = file, name
        match = SENTENCE.search(comment)
        self.stated = match.groupdict() if match else None
        self.forms = {}  # by device: (template arguments, registers, shared bytes, threads)

    def place(self):
        return f'{self.file}: {self.name}'

    def chosen(self, device):
        """The forms that the sentence is about."""
        wanted = self.stated['arguments'] if self.stated else None
        forms = [form for form in self.forms[device] if wanted is None or form[0] == wanted]
        if not forms:
            fail(f'{self.place()}: no form <{wanted}>: there are {", ".join(f"<{form[0]}>" for form in self.forms[device])}')
        return forms

    def threads(self):
        if self.stated and self.stated['threads']:
            return int(self.stated['threads'])
        sizes = {form[3] for device in SHARED for form in self.chosen(device)}
        if len(sizes) != 1 or None in sizes:
            fail(f'{self.place()}: blocks of {sizes}: its comment has to say which, ", with N threads"')
        return sizes.pop()

    def occupancy(self, device):
        """In percent, rounded down, the lowest of the forms."""
        dynamic = int(self.stated['shared'] or 0) if self.stated else 0
        return min(100 * blocks_of(device, registers, shared + dynamic, self.threads()) * math.ceil(self.threads() / 32) // WARPS
                   for _, registers, shared, _ in self.chosen(device))


def blocks_of(device, registers, shared, threads):
    """How many blocks a multiprocessor holds at once."""
    def up(value, unit):
        return math.ceil(value / unit) * unit
    warps = math.ceil(threads / 32)
    # A quarter of the registers serves a quarter of the warps.
    by_registers = REGISTERS // PARTITIONS // up(registers * 32, REGISTER_UNIT) * PARTITIONS // warps
    by_shared = SHARED[device] // up(shared + SHARED_RESERVED, SHARED_UNIT)
    return min(BLOCKS, WARPS // warps, by_registers, by_shared)


def kernels_of(file):
    lines = (TOP / file).read_text().split('\n')
    text, kernels = '\n'.join(lines), []
    for match in KERNEL.finditer(text):
        first = text.count('\n', 0, match.start())
        while first > 0 and not lines[first - 1].lstrip().startswith('//') and lines[first - 1] and not lines[first - 1].endswith(('}', ';')):
            first -= 1  # a template's head
        comment = []
        while first > 0 and lines[first - 1].lstrip().startswith('//'):
            first -= 1
            comment.insert(0, lines[first].lstrip().lstrip('/').strip())
        kernels.append(Kernel(file, match[1], ' '.join(comment)))
    return kernels


def name_and_arguments(demangled):
    """'void a::b::name<X, 2>(...)': 'name' and 'X, 2'."""
    text = demangled.replace('(anonymous namespace)::', '').removeprefix('void ')
    depth, begin, end = 0, 0, len(text)
    for i, letter in enumerate(text):
        if letter in '<(' and depth == 0:
            end = i
            break
        if text[i:i + 2] == '::':
            begin = i + 2
    arguments = ''
    if text[end:end + 1] == '<':
        for i in range(end, len(text)):
            depth += {'<': 1, '>': -1}.get(text[i], 0)
            if depth == 0:
                arguments = text[end + 1:i]
                break
    arguments = re.sub(r'gradus::(\w+::)*', '', arguments)
    return text[begin:end], re.sub(r'\(\w+\)(\d)', r'\1', arguments)


def measure(source, nvcc, folder):
    """Of each kernel that the source compiles to: (name, device, template arguments, registers, shared bytes, threads)."""
    command = [nvcc, '-std=c++20', '-O3', '-DNDEBUG', '--expt-relaxed-constexpr', '-DFMT_USE_CONSTEXPR=1', f'-I{TOP}',
               '-gencode', 'arch=compute_80,code=sm_80', '-gencode', 'arch=compute_90,code=sm_90', '-Xptxas', '-v',
               '--keep', '--keep-dir', folder, '-c', str(TOP / source), '-o', f'{folder}/object.o']
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        fail(f'{source} does not compile:\n{result.stderr}{result.stdout}')
    return parse(result.stderr + result.stdout, pathlib.Path(folder))


def parse(log, folder):
    threads = {}
    for ptx in folder.glob('*.ptx'):
        for match in re.finditer(r'\.entry (\w+)\([^{]*?\)\s*((?:\.\w+ [^\n]*\n)*)', ptx.read_text()):
            size = re.search(r'\.maxntid (\d+)', match[2])
            threads[match[1]] = int(size[1]) if size else None
    found, names = [], []
    entry = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'.*?Used (\d+) registers([^\n]*)", re.S)
    for match in entry.finditer(log):
        shared = re.search(r'(\d+) bytes smem', match[4])
        found.append([match[2], int(match[3]), int(shared[1]) if shared else 0, threads[match[1]]])
        names.append(match[1])
    if not names:
        return []
    plain = subprocess.run(['c++filt'], input='\n'.join(names), capture_output=True, text=True, check=True).stdout.split('\n')
    return [(*name_and_arguments(name), *rest) for name, rest in zip(plain, found)]


def sources():
    folders = {'backends/cuda': "The backend's kernels", 'tests/bench/kernels': 'The rungs of the ladders'}
    return {folder: [str(file.relative_to(TOP)) for file in sorted((TOP / folder).glob('*.cu')) if file.name not in NO_KERNELS]
            for folder in folders}, folders


def all_kernels():
    return [kernel for group in sources()[0].values() for file in group for kernel in kernels_of(file)] + \
        [kernel for file in HEADERS for kernel in kernels_of(file)]


def measure_all(kernels, nvcc):
    by_place = {(kernel.file, kernel.name): kernel for kernel in kernels}
    for kernel in kernels:
        kernel.forms = {device: [] for device in SHARED}
    for group in sources()[0].values():
        for file in group:
            with tempfile.TemporaryDirectory() as folder:
                for name, arguments, device, registers, shared, threads in measure(file, nvcc, folder):
                    kernel = next((by_place[place, name] for place in [file] + HEADERS if (place, name) in by_place), None)
                    if kernel is None:
                        fail(f'{file}: a kernel {name} that is not found in the source')
                    kernel.forms[device].append((arguments, registers, shared, threads))
    for kernel in kernels:
        for device in SHARED:
            if not kernel.forms[device]:
                fail(f'{kernel.place()}: nothing is compiled from it')


def value(expression, size):
    """'2 b + 8' for numbers of so many bytes; None where other sizes are in it."""
    if expression is None:
        return 0
    total = 0
    for part in expression.split(' + '):
        match = re.fullmatch(r'(\d+)?( ?b)?', part)
        if not match or not part:
            return None
        total += int(match[1] or 1) * (size if match[2] else 1)
    return total


def moved(stated, size):
    parts = [value(stated['reads'], size), value(stated['writes'], size)]
    return '' if None in parts else str(sum(parts))


def spread(numbers):
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f'{low}-{high}'


# Columns of the table that comments state.
def stated_cells(stated):
    return [stated['reads'] or '', stated['writes'] or '', stated['unit'], moved(stated, 2), moved(stated, 4),
            stated['shared'] or '0', stated['sm_80'] + ' %', stated['sm_90'] + ' %']


HEAD = ['kernel', 'reads', 'writes', 'of', 'bytes, b = 2', 'bytes, b = 4', 'dynamic shared memory', 'occupancy, sm_80', 'occupancy, sm_90', 'threads',
        'registers, sm_80', 'registers, sm_90', 'shared memory of arrays', 'template arguments']
INTRODUCTION = '''# All kernels

Written by `tests/bench/kernels/occupancy.py`, from {version}; what it says of each kernel stands in the kernel's comment, and the test
`kernel_figures` holds one to the other. How to read it: [README.md](README.md). Shared memory is in bytes; what a launch adds is that of rows of 768 numbers or 30528 logits,
heads of 64, 9 tags, and an LSTM of 256 units. Occupancy is the lowest for the template arguments, registers are from the least to the most.
'''


def row_of(kernel):
    numbers = [spread([form[1] for form in kernel.chosen(device)]) for device in SHARED]
    static = spread([form[2] for form in kernel.chosen('sm_80')])
    arguments = kernel.stated['arguments']
    return [f'`{kernel.name}`', *stated_cells(kernel.stated), str(kernel.threads()), *numbers, static, f'`<{arguments}>`' if arguments else 'all']


def table_of(kernels, version):
    text = INTRODUCTION.format(version=version)
    groups, titles = sources()
    for folder, title in titles.items():
        text += f'\n## {title}\n'
        for file in groups[folder] + [header for header in HEADERS if header.startswith(folder)]:
            rows = [row_of(kernel) for kernel in kernels if kernel.file == file]
            if not rows:
                continue
            text += f'\n`{file}`\n\n| {" | ".join(HEAD)} |\n|{"---|" * len(HEAD)}\n'
            text += ''.join(f'| {" | ".join(row)} |\n' for row in rows)
    return text


def missing_sentences(kernels):
    return [f'{kernel.place()}: its comment has no sentence "Reads ... of ...; occupancy ..."' for kernel in kernels if not kernel.stated]


def problems_of_figures(kernels):
    for kernel in kernels:
        for device in SHARED:
            if kernel.stated and int(kernel.stated[device]) != kernel.occupancy(device):
                yield f'{kernel.place()}: occupancy {kernel.stated[device]} % on {device} in its comment: it is {kernel.occupancy(device)} %'


def problems_of_text(kernels):
    rows, file = {}, None
    for line in TABLE.read_text().split('\n'):
        if re.fullmatch(r'`[^`]+`', line):
            file = line.strip('`')
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if len(cells) == len(HEAD) and cells[0].startswith('`'):
            rows[file, cells[0].strip('`')] = cells[1:9]
    for kernel in kernels:
        row = rows.pop((kernel.file, kernel.name), None)
        if kernel.stated and row != stated_cells(kernel.stated):
            yield f'{kernel.place()}: {TABLE.name} says {row}, its comment {stated_cells(kernel.stated)}'
    for place in rows:
        yield f'{TABLE.name}: no kernel {": ".join(place)}'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--check', action='store_true')
    parser.add_argument('--text', action='store_true')
    arguments = parser.parse_args()
    kernels = all_kernels()
    problems = missing_sentences(kernels)
    if arguments.text:
        problems += problems_of_text(kernels)
    else:
        nvcc = shutil.which(os.environ.get('NVCC', 'nvcc'))
        if nvcc is None:
            print('skipped: the figures are made where nvcc is')
            sys.exit(77)
        measure_all(kernels, nvcc)
        problems += problems_of_figures(kernels)
        if not problems:
            version = re.search(r'release [\d.]+', subprocess.run([nvcc, '--version'], capture_output=True, text=True, check=True).stdout)[0]
            text = table_of(kernels, f'nvcc of CUDA {version.removeprefix("release ")}')
            if not arguments.check:
                TABLE.write_text(text)
            elif TABLE.read_text() != text:
                problems.append(f'{TABLE.name} is not what the kernels give: run occupancy.py')
    print('\n'.join(problems) if problems else f'{len(kernels)} kernels agree with their comments')
    sys.exit(1 if problems else 0)


if __name__ == '__main__':
    main()
