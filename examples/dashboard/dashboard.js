(() => {
  const { Api, isApiException, memoryStorage } = window.NikDevIoT;
  const { uPlot } = window;
  const { deviceId, apiKey, baseUrl, fields = [] } = window.DASHBOARD ?? {};

  const READ_EVERY_MS = 1000;
  /** What a chart shows, in seconds: the first of these that holds all its readings; and where its ticks are. */
  const SPANS = [
    { span: 60, step: 15, label: (ago) => `−${ago} s` },
    { span: 120, step: 30, label: (ago) => `−${ago} s` },
    { span: 240, step: 60, label: (ago) => `−${ago / 60} min` },
  ];
  const LONGEST = SPANS.at(-1);

  const byId = (id) => document.getElementById(id);
  const seconds = () => Date.now() / 1000;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const clockTime = (timestamp) => new Date(timestamp * 1000).toLocaleTimeString();

  // --- Text

  const FRACTION_DIGITS = 3;
  const decimals = (number) => (String(Number(number.toFixed(FRACTION_DIGITS))).split('.')[1] ?? '').length;

  /** Keeps as many decimals as it has met, so that a figure does not jump between 21 and 21.5. */
  function createFormat() {
    let digits = 0;
    return (value) => {
      if (typeof value !== 'number') return String(value);
      digits = Math.max(digits, decimals(value));
      return value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: FRACTION_DIGITS });
    };
  }

  function duration(length) {
    if (length < 60) return `${Math.round(length)} s`;
    if (length < 5400) return `${Math.round(length / 60)} min`;
    return length < 129_600 ? `${Math.round(length / 3600)} h` : `${Math.round(length / 86_400)} days`;
  }

  const ago = (age) => (age < 2 ? 'Just now' : `${duration(age)} ago`);

  // --- A chart of the last minutes, kept in the page

  function createChart(element, { unit, onPoint }) {
    const times = [];
    const values = [];
    let now = seconds();
    let shown = SPANS[0];
    let missed = false;

    const plot = new uPlot(
      {
        width: Math.max(element.clientWidth, 1),
        height: element.clientHeight,
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        scales: {
          x: { range: () => [now - shown.span, now] },
          y: { range: (_, low, high) => range(unit, low ?? 0, high ?? 1) },
        },
        axes: [
          axis({
            size: 24,
            // They stay where they are while the line moves.
            splits: () => ticks().map((tick) => now - tick),
            values: () => ticks().map((tick) => (tick === 0 ? 'now' : shown.label(tick))),
          }),
          axis({
            space: 36,
            size: (_, labels) => 14 + 7 * Math.max(0, ...(labels ?? []).map((label) => label.length)),
          }),
        ],
        series: [
          {},
          {
            stroke: () => colour('--accent'),
            fill: () => colour('--accent-soft'),
            width: 1.5,
            points: { show: () => times.length < 3 },
          },
        ],
        padding: [8, null, 0, 0],
        hooks: { setCursor: [({ cursor: { idx } }) => onPoint(times[idx ?? -1], values[idx ?? -1])] },
      },
      [times, values],
      element,
    );
    new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(
      element,
    );

    return {
      redraw: () => plot.redraw(),
      /** To be told when the page has not looked for a while: what was missed is drawn as a gap. */
      miss: () => {
        missed = true;
      },
      add(timestamp, value) {
        const last = times.at(-1) ?? -Infinity;
        if (timestamp <= last) {
          // Times are whole seconds, moved to the local clock: one reading may be met a second off.
          values[values.length - 1] = value;
        } else {
          if (missed && timestamp > last + 1 && times.length > 0) push(last + 1, null);
          push(timestamp, value);
        }
        missed = false;
      },
      draw() {
        now = seconds();
        while (times.length > 0 && times[0] < now - LONGEST.span) {
          times.shift();
          values.shift();
        }
        shown = SPANS.find(({ span }) => !(times[0] < now - span)) ?? LONGEST;
        plot.setData([times, values]);
      },
      /** The lowest and the highest value on show. */
      extent() {
        const known = values.filter((value) => value !== null);
        return known.length > 1 ? { low: Math.min(...known), high: Math.max(...known), span: shown.span } : undefined;
      },
    };

    /** How long ago they are. */
    function ticks() {
      return Array.from({ length: shown.span / shown.step + 1 }, (_, tick) => tick * shown.step);
    }

    function push(timestamp, value) {
      times.push(timestamp);
      values.push(value);
    }
  }

  /** Percent stand on zero and end at a hundred; anything else, a temperature say, is shown where it moves. */
  function range(unit, low, high) {
    const [bottom, top] = uPlot.rangeNum(low, high, 0.1, true);
    return unit === '%' && low >= 0 && high <= 100 ? [0, Math.min(top, 100)] : [bottom, top];
  }

  function axis(options) {
    // Functions, as they are asked anew at each drawing: the colours follow the scheme.
    return {
      stroke: () => colour('--muted'),
      grid: { stroke: () => colour('--grid'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
      ...options,
    };
  }

  // --- A card for each field

  function createCard({ id, label, unit = '' }) {
    const card = byId('card').content.cloneNode(true);
    const part = (selector) => card.querySelector(selector);
    const [figure, value, age, extent, element] = ['.figure', '.value', '.age', '.extent', '.chart'].map(part);
    const format = createFormat();
    let reading;
    let chart;
    let pointed;

    // Whatever the names and values contain, it is text.
    part('h2').textContent = label;
    part('.unit').textContent = unit;
    element.setAttribute('aria-label', `${label}: chart of the last minutes`);
    byId('cards').append(card);

    function startChart() {
      element.hidden = false;
      return createChart(element, {
        unit,
        onPoint: (time, number) => {
          pointed = number == null ? undefined : `${clockTime(time)}: ${format(number)} ${unit}`;
          describeChart();
        },
      });
    }

    function describeChart() {
      const range = chart?.extent();
      extent.textContent =
        pointed ??
        (range ? `${format(range.low)} to ${format(range.high)} ${unit} in the last ${duration(range.span)}` : '');
    }

    return {
      /** Shows what was read; `undefined` if the server doesn't know the field. */
      show(latest) {
        reading = latest;
        if (reading == null || reading.value === null) return;
        const isNumber = typeof reading.value === 'number';
        value.textContent = format(reading.value);
        figure.classList.toggle('text', !isNumber);
        if (!isNumber) return;
        chart ??= startChart();
        chart.add(reading.timestamp, reading.value);
      },
      /** Brings up to date what changes with time alone. */
      tick() {
        if (reading?.timestamp != null) age.textContent = ago(seconds() - reading.timestamp);
        else if (reading !== undefined) age.textContent = 'No value yet';
        chart?.draw();
        describeChart();
      },
      unknown() {
        age.textContent = `The server has no value of this field (${id})`;
      },
      miss: () => chart?.miss(),
      redraw: () => chart?.redraw(),
    };
  }

  // --- The page

  function showState(state, text) {
    byId('connection').dataset.state = state;
    // Only when it changes: a status region is read aloud.
    if (byId('status').textContent !== text) byId('status').textContent = text;
  }

  function showFailure(error) {
    showState(
      'trouble',
      isApiException(error) ? `${error.message} ${error.advice}`.trim() : `The page failed: ${error}`,
    );
  }

  function start() {
    byId('device').textContent = deviceId;
    // This page only reads: it leaves nothing in the browser.
    const api = new Api({ deviceId, apiKey, baseUrl, storage: memoryStorage() });
    const cards = new Map(fields.map((field) => [field.id, createCard(field)]));
    const each = (act) => [...cards.values()].forEach(act);
    let reading = false;
    let notBefore = 0;

    async function read() {
      if (reading || Date.now() < notBefore) return;
      reading = true;
      try {
        const readings = await api.get([...cards.keys()]);
        const found = new Map(readings.map((one) => [one.fieldId, one]));
        for (const [id, card] of cards) {
          if (found.has(id)) card.show(found.get(id));
          else card.unknown();
        }
        byId('last-read').textContent = `Last read at ${clockTime(seconds())}`;
        showState('live', 'Live');
      } catch (error) {
        each((card) => card.miss());
        // A server that asks for time gets it.
        if (error.retryAfter) notBefore = Date.now() + error.retryAfter * 1000;
        showFailure(error);
      }
      reading = false;
      each((card) => card.tick());
    }

    function tick() {
      // Nobody is looking: neither the server nor the battery is bothered.
      if (document.hidden) return each((card) => card.miss());
      each((card) => card.tick());
      void read();
    }

    tick();
    setInterval(tick, READ_EVERY_MS);
    document.addEventListener('visibilitychange', tick);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => each((card) => card.redraw()));
  }

  try {
    start();
  } catch (error) {
    showFailure(error);
  }
})();
