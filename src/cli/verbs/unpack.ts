/** `paratrace unpack`: takes a trace and its images apart. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { EXIT_CODE, ParatraceError } from '../../errors.ts';
import type { ImageRef } from '../../session/config.ts';
import type { TraceReader } from '../../trace/reader.ts';
import { groupDigits } from '../../viz/format.ts';
import { attempt, checkTraceOutput, isPlainFile, readFile, sha256 } from '../host/files.ts';
import type { Host } from '../host/host.ts';
import { nameWithDigest } from '../host/images.ts';
import { printable } from '../printable.ts';
import { type VerbContext, verb } from './verb.ts';

interface UnpackOptions {
  readonly output: string;
  readonly folder?: string;
}

export function unpackVerb({ host, exit }: VerbContext): Command {
  return verb('unpack', {
    summary: 'take the images out of a trace, into files',
    description:
      'Writes the images that a trace holds as files, and a trace that only names them by digest. All else stays as it is. `replay` and `pack` find images beside the trace.',
    examples: [['paratrace unpack tour.pvt -o events.pvt', 'events.pvt, and the image ring-tour beside it']],
    notes: [
      `Files:
  An image has the name that it was recorded with, without folders; if a file with other contents has that name, the first digits of the
  digest are added. Nothing is overwritten.`,
    ],
  })
    .argument('<trace>', 'a whole trace')
    .requiredOption('-o, --output <file>', 'the trace to write')
    .option('--folder <folder>', 'where the images go (default: beside the trace that is written)')
    .action(async (path: string, { output, folder = dirname(output) }: UnpackOptions) => {
      checkTraceOutput(output, [path]);
      const [{ inFile, openWholeTrace }, { unpackTrace }, { writeTrace }] = await Promise.all([
        import('../open-trace.ts'),
        import('../../trace/rewrite.ts'),
        import('../write-trace.ts'),
      ]);
      const trace = openWholeTrace(path);
      inFile(path, () => writeImages(host, trace, folder, [path, output]));
      writeTrace(host, output, (sink) => unpackTrace(trace, sink));
      exit(EXIT_CODE.ok);
    });
}

function writeImages(host: Host, trace: TraceReader, folder: string, traces: readonly string[]): void {
  attempt(folder, 'made', () => mkdirSync(folder, { recursive: true }));
  const { guest, initrd, drives } = trace.header.config;
  const images = [guest, ...(initrd === undefined ? [] : [initrd]), ...drives];
  for (const digest of trace.embedded) {
    const image = images.find((one) => one.sha256 === digest);
    const bytes = trace.image(digest);
    if (image === undefined || bytes === undefined) continue;
    if (sha256(bytes) !== digest) {
      throw new ParatraceError('trace.image-differs', `the trace holds an image \`${image.name}\` of another digest`);
    }
    const file = fileFor(image, folder, traces);
    if (!existsSync(file)) attempt(file, 'written', () => writeFileSync(file, bytes, { flag: 'wx' }));
    host.stderr.write(printable(`paratrace: image ${file}, ${groupDigits(bytes.length)} bytes\n`));
  }
}

/** Where an image goes: to a file that is not there, or one that has its contents. The name comes from the trace: it leaves no folder. */
function fileFor(image: ImageRef, folder: string, traces: readonly string[]): string {
  const plain = basename(image.name.replaceAll('\0', ''));
  const names = [...(plain === '' || plain === '.' || plain === '..' ? [] : [plain]), nameWithDigest(image)];
  for (const name of names) {
    const file = join(folder, name);
    if (traces.some((trace) => join(trace) === file)) continue;
    if (!existsSync(file) || (isPlainFile(file) && sha256(readFile(file)) === image.sha256)) return file;
  }
  throw new ParatraceError('usage.output', `the files ${names.join(' and ')} have other contents than image`, {
    file: folder,
  });
}
