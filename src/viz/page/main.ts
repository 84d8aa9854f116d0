/** Entry of the page's program: opens the model that the file holds and shows it. */
import { openEventTable } from '../event-table.ts';
import { buildTimeline } from '../timeline.ts';
import type { TimelineModel } from '../timeline-model.ts';
import { byId } from './dom.ts';
import { ReportPage } from './report-page.ts';

const source = byId('model', HTMLScriptElement);
const model = JSON.parse(source.textContent ?? '') as TimelineModel;
// The text is large and not needed again.
source.remove();
new ReportPage(buildTimeline(openEventTable(model)));
document.documentElement.dataset.ready = 'true';
