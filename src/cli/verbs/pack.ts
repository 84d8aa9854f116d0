/** `paratrace pack`: makes a trace self-contained. */
import type { Command } from 'commander';
import { EXIT_CODE } from '../../errors.ts';
import { checkTraceOutput, sha256 } from '../host/files.ts';
import { type VerbContext, verb } from './verb.ts';

interface PackOptions {
  readonly output: string;
  readonly image: readonly string[];
}

export function packVerb({ host, exit }: VerbContext): Command {
  return verb('pack', {
    summary: 'put all images of a run into its trace',
    description:
      'Writes a trace that stands alone: it holds every image of the run, however large, and replays anywhere. All else stays as it is.',
    examples: [
      ['paratrace pack u.pvt --image disk.img -o all.pvt', 'U-Boot and its disk in one file'],
      ['paratrace unpack all.pvt -o u.pvt', 'the way back'],
    ],
    notes: [
      `Images:
  What the trace does not hold is looked for in --image files, beside the trace, and under its recorded name; the digest decides. An image
  is compressed where that makes it shorter.`,
    ],
  })
    .argument('<trace>', 'a whole trace')
    .requiredOption('-o, --output <file>', 'the trace to write')
    .option(
      '--image <file>',
      'look here for images; can be repeated',
      (file: string, before: string[]) => [...before, file],
      [],
    )
    .action(async (path: string, { output, image }: PackOptions) => {
      checkTraceOutput(output, [path, ...image]);
      const [{ inFile, openWholeTrace }, { imageFinder }, { resolveImages }, { packTrace }, { writeTrace }] =
        await Promise.all([
          import('../open-trace.ts'),
          import('../host/images.ts'),
          import('../../trace/images.ts'),
          import('../../trace/rewrite.ts'),
          import('../write-trace.ts'),
        ]);
      const trace = openWholeTrace(path);
      const images = inFile(path, () =>
        resolveImages(trace.header.config, (digest) => trace.image(digest), imageFinder(path, image), sha256),
      );
      writeTrace(host, output, (sink) => packTrace(trace, images, sink));
      exit(EXIT_CODE.ok);
    });
}
