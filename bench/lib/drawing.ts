import type { Plot } from './workload.js'

const WIDTH = 720
const HEIGHT = 360
const LEFT = 64
const RIGHT = 170
const TOP = 40
const BOTTOM = 48
const COLOURS = ['#2563eb', '#059669', '#d97706', '#9333ea']

/** Plots below one another, both axes logarithmic; readable in light and dark. */
export function drawing(plots: readonly Plot[]): string {
  const parts = plots.map((plot, index) => `<g transform="translate(0 ${index * HEIGHT})">${one(plot)}</g>`)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT * plots.length}" font-family="system-ui, sans-serif" font-size="12">
<style>text { fill: #333 } .grid { stroke: #8884 } @media (prefers-color-scheme: dark) { text { fill: #ddd } }</style>
${parts.join('\n')}
</svg>
`
}

function one({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points)
  const across = scale(decades(points.map(([at]) => at)), LEFT, WIDTH - RIGHT)
  const up = scale(decades(points.map(([, value]) => value)), HEIGHT - BOTTOM, TOP)
  return [
    `<text x="${LEFT}" y="20" font-weight="600">${title}</text>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">${x}</text>`,
    `<text x="16" y="${(TOP + HEIGHT - BOTTOM) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(TOP + HEIGHT - BOTTOM) / 2})">${y}</text>`,
    ...across.ticks.map(
      (tick) =>
        `<line class="grid" x1="${across.at(tick)}" x2="${across.at(tick)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><text x="${across.at(tick)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${up.at(tick)}" y2="${up.at(tick)}"/><text x="${LEFT - 6}" y="${up.at(tick) + 4}" text-anchor="end">${tick.toLocaleString('en')}</text>`,
    ),
    ...lines.map(({ name, points }, index) => {
      const colour = COLOURS[index % COLOURS.length]
      const places = points.map(([at, value]) => [across.at(at), up.at(value)] as const)
      const [endX, endY] = places.at(-1) ?? [0, 0]
      const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`).join('')
      return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${places.map((place) => place.join(',')).join(' ')}"/>${dots}<text x="${endX + 10}" y="${endY + 4}">${name}</text>`
    }),
  ].join('\n')
}

/** The powers of ten around all values. */
function decades(values: readonly number[]): [number, number] {
  return [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
}

function scale([low, high]: [number, number], from: number, to: number) {
  const round = (value: number) => Math.round(value * 10) / 10
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    at: (value: number) => round(from + ((Math.log10(value) - low) / (high - low)) * (to - from)),
  }
}
