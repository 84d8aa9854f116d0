/** `paratrace golden`: traces that are kept, recorded again and compared. */
import { type Command, Option } from 'commander';
import { ASPECTS, type AspectName, parseAspects } from '../../analysis/diff/aspects.ts';
import { REPORTERS, type ReporterName } from '../../golden/result.ts';
import { parseCount } from '../quantities.ts';
import { type VerbContext, verb } from './verb.ts';

export interface GoldenOptions {
  readonly reporter: ReporterName;
  readonly ignore?: readonly AspectName[];
  readonly jobs?: number;
}

/** Where goldens are unless another place is named. */
const FOLDER_DEFAULT = 'traces';
const PATHS = 'folders of goldens, or golden traces (default: traces)';

const NOTES = [
  `A folder:
  Each golden is a trace, NAME.pvt, and a text for reviews beside it, NAME.txt. \`golden.json\` names what must be there and what each is a
  recording of, as arguments of \`record\`; without it each trace is recorded again from what it holds. docs/golden-traces.md has more.`,
];

export function goldenVerb(context: VerbContext): Command {
  const command = verb('golden', {
    summary: 'record golden traces again and compare, or accept what changed',
    description:
      'Golden traces are recordings that are kept, so that whatever changes a run is seen, and said in words.',
    examples: [
      ['paratrace golden verify', 'all goldens of the folder traces'],
      ['paratrace golden accept', 'writes what changed, and says what that is'],
    ],
  });
  command.addCommand(verifyVerb(context));
  command.addCommand(acceptVerb(context));
  command.addCommand(workerVerb(context), { hidden: true });
  return command;
}

function verifyVerb({ host, exit }: VerbContext): Command {
  const command = verb('verify', {
    summary: 'record each golden again and compare',
    description:
      'Records each golden again, several at a time, and compares. What is missing, what no manifest names, and a text that is not that of its trace fail as well. Writes nothing.',
    examples: [
      ['paratrace golden verify', 'all goldens of the folder traces'],
      ['paratrace golden verify traces/boot.pvt', 'one of them'],
      ['paratrace golden verify --reporter junit > golden.xml', 'for continuous integration'],
    ],
    notes: [
      ...NOTES,
      'Exit codes:\n  0 all are the same; 1 one is not; 2 usage.',
      `Aspects that --ignore takes:\n  ${Object.keys(ASPECTS).join(', ')} (see \`paratrace diff --help\`)`,
    ],
  });
  return addOptions(command)
    .addOption(new Option('--reporter <format>', 'how results are written').choices(REPORTERS).default('text'))
    .addOption(new Option('--ignore <aspects>', 'what may differ, separated by commas').argParser(parseAspects))
    .action(async (paths: string[], options: GoldenOptions) => {
      const { verifyGoldens } = await import('../golden/golden-run.ts');
      exit(await verifyGoldens(host, pathsOf(paths), options));
    });
}

function acceptVerb({ host, exit }: VerbContext): Command {
  const command = verb('accept', {
    summary: 'write goldens that changed or are missing, remove those that are obsolete',
    description:
      'Records each golden again, writes those that changed or are missing with their texts, removes what no manifest names, and says what changed. Writes nothing where `CI` is set in the environment.',
    examples: [
      ['paratrace golden accept', 'then look at the difference of the texts'],
      ['paratrace golden accept traces/boot.pvt', 'one of them'],
    ],
    notes: [...NOTES, 'Exit codes:\n  0 all are up to date now; 1 one cannot be recorded; 2 usage, or `CI` is set.'],
  });
  return addOptions(command).action(async (paths: string[], options: GoldenOptions) => {
    const { acceptGoldens } = await import('../golden/golden-run.ts');
    exit(await acceptGoldens(host, pathsOf(paths), options));
  });
}

/** What workers are: not for users. */
function workerVerb({ host }: VerbContext): Command {
  return verb('worker', { summary: '', description: 'Serves another `golden`.', examples: [] }).action(async () => {
    const { serveGoldenJobs } = await import('../golden/golden-jobs.ts');
    await serveGoldenJobs(host);
  });
}

function addOptions(command: Command): Command {
  return command
    .argument('[paths...]', PATHS)
    .addOption(
      new Option(
        '-j, --jobs <n>',
        'goldens that are recorded at a time (default: as many as there are processors)',
      ).argParser((text) => parseCount('--jobs', text, { least: 1, most: 256 })),
    );
}

function pathsOf(paths: readonly string[]): readonly string[] {
  return paths.length === 0 ? [FOLDER_DEFAULT] : paths;
}
