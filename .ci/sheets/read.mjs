// Prints the sheets of a workbook as JSON, each cell with its type: the test of
// exports compares them with what went in.
import readWorkbook from 'read-excel-file/node'

const typed = (value) => {
  if (value === null) return null
  if (value instanceof Date) return { type: 'date', value: value.toISOString() }
  return { type: typeof value, value }
}

const sheets = await readWorkbook(process.argv[2], { trim: false })
const printed = sheets.map(({ sheet, data }) => ({ sheet, rows: data.map((row) => row.map(typed)) }))
process.stdout.write(JSON.stringify(printed))
