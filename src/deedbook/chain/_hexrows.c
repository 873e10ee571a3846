/* Rows of text that are alike but for their hexadecimal digits, read into bytes: what `logtext` does in plain Python, and
 * tests compare with it. Optional: without a compiler the plain way is used.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

/* What the digits of a span are for. */
enum { CELLS = 0, NUMBER = 1, UNREAD = 2 };

/* Digits: from which byte of a row to which, what for, and where they go: the first byte of a row's cells, or which of
 * its numbers. As `logtext` writes it, int32 each. */
typedef struct {
    int32_t begin, end, kind, to;
} Span;

/* How many digits are read together: a loop of so many, with no branch in it, is what compilers do 16 at a time. */
#define TOGETHER 64

/* 1 for what is no digit. */
static inline unsigned char is_wrong(unsigned char digit)
{
    return (unsigned char)((unsigned char)(digit - '0') > 9) & (unsigned char)((unsigned char)(digit - 'a') > 5);
}

/* Of a digit. */
static inline unsigned char value_of(unsigned char digit)
{
    return (unsigned char)((digit & 0x0F) + 9 * (digit >> 6));
}

/* Bytes of 2n digits. Returns whether all of them are digits. */
static int read_cells(const unsigned char *digits, Py_ssize_t size, unsigned char *cells)
{
    unsigned char wrong = 0, nibbles[TOGETHER], bytes[TOGETHER / 2];
    for (; size >= TOGETHER / 2; size -= TOGETHER / 2, digits += TOGETHER, cells += TOGETHER / 2) {
        for (int at = 0; at < TOGETHER; at++)
            wrong |= is_wrong(digits[at]);
        for (int at = 0; at < TOGETHER; at++)
            nibbles[at] = value_of(digits[at]);
        for (int at = 0; at < TOGETHER / 2; at++)
            bytes[at] = (unsigned char)(nibbles[2 * at] << 4 | nibbles[2 * at + 1]);
        memcpy(cells, bytes, TOGETHER / 2);
    }
    for (Py_ssize_t at = 0; at < size; at++) {
        wrong |= is_wrong(digits[2 * at]) | is_wrong(digits[2 * at + 1]);
        cells[at] = (unsigned char)(value_of(digits[2 * at]) << 4 | value_of(digits[2 * at + 1]));
    }
    return !wrong;
}

/* A number of few digits. Returns whether all of them are. */
static int read_number(const unsigned char *digits, Py_ssize_t count, int64_t *number)
{
    uint64_t found = 0;
    unsigned char wrong = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        wrong |= is_wrong(digits[at]);
        found = found << 4 | (value_of(digits[at]) & 0x0F);
    }
    *number = (int64_t)found;
    return !wrong;
}

static int are_digits(const unsigned char *digits, Py_ssize_t count)
{
    unsigned char wrong = 0;
    for (Py_ssize_t at = 0; at < count; at++)
        wrong |= is_wrong(digits[at]);
    return !wrong;
}

/* Whether a row was read; spans are in order, and what is between them must be the record's. */
static unsigned char read_row(const unsigned char *row, const unsigned char *record, Py_ssize_t length, const Span *spans,
                              Py_ssize_t count, unsigned char *cells, int64_t *numbers)
{
    int32_t at = 0;
    for (Py_ssize_t each = 0; each < count; each++) {
        const Span *span = &spans[each];
        const unsigned char *digits = row + span->begin;
        Py_ssize_t size = span->end - span->begin;
        if (memcmp(row + at, record + at, (size_t)(span->begin - at)))
            return 0;
        if (span->kind == CELLS ? !read_cells(digits, size / 2, cells + span->to)
            : span->kind == NUMBER ? !read_number(digits, size, numbers + span->to)
                                   : !are_digits(digits, size))
            return 0;
        at = span->end;
    }
    return memcmp(row + at, record + at, (size_t)(length - at)) == 0;
}

static int are_sound(const Span *spans, Py_ssize_t count, Py_ssize_t length, Py_ssize_t width, Py_ssize_t numbers)
{
    int32_t at = 0;
    for (Py_ssize_t each = 0; each < count; each++) {
        const Span *span = &spans[each];
        int32_t size = span->end - span->begin;
        if (span->begin < at || size < 0 || span->end > length || span->to < 0)
            return 0;
        if (span->kind == CELLS ? size % 2 || span->to + size / 2 > width : span->kind == NUMBER && span->to >= numbers)
            return 0;
        at = span->end;
    }
    return 1;
}

static PyObject *read_rows(PyObject *self, PyObject *args)
{
    Py_buffer text, begins, record, spans;
    Py_ssize_t width, numbers;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*y*nn", &text, &begins, &record, &spans, &width, &numbers))
        return NULL;
    PyObject *cells = NULL, *counts = NULL, *read = NULL, *found = NULL;
    Py_ssize_t rows = begins.len / 8, count = spans.len / (Py_ssize_t)sizeof(Span);
    const int64_t *first = begins.buf;
    if (begins.len % 8 || spans.len % (Py_ssize_t)sizeof(Span) || width < 0 || numbers < 0 ||
        !are_sound(spans.buf, count, record.len, width, numbers)) {
        PyErr_SetString(PyExc_ValueError, "the spans are not of the record");
        goto end;
    }
    for (Py_ssize_t row = 0; row < rows; row++)
        if (first[row] < 0 || first[row] > text.len - record.len) {
            PyErr_SetString(PyExc_ValueError, "a row is not in the text");
            goto end;
        }
    cells = PyBytes_FromStringAndSize(NULL, rows * width);
    counts = PyBytes_FromStringAndSize(NULL, rows * numbers * 8);
    read = PyBytes_FromStringAndSize(NULL, rows);
    if (cells == NULL || counts == NULL || read == NULL)
        goto end;
    unsigned char *into = (unsigned char *)PyBytes_AsString(cells), *whether = (unsigned char *)PyBytes_AsString(read);
    int64_t *number = (int64_t *)(void *)PyBytes_AsString(counts);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t row = 0; row < rows; row++)
        whether[row] = read_row((const unsigned char *)text.buf + first[row], record.buf, record.len, spans.buf, count,
                                into + row * width, number + row * numbers);
    Py_END_ALLOW_THREADS
    found = PyTuple_Pack(3, cells, counts, read);
end:
    Py_XDECREF(cells);
    Py_XDECREF(counts);
    Py_XDECREF(read);
    PyBuffer_Release(&text);
    PyBuffer_Release(&begins);
    PyBuffer_Release(&record);
    PyBuffer_Release(&spans);
    return found;
}

static PyMethodDef methods[] = {
    {"read_rows", read_rows, METH_VARARGS,
     "(cells, numbers, whether it was read) of rows of a text, each as long as the record and alike but for the digits of its spans."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots_of_module[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_hexrows", "Rows of hexadecimal text.", 0, methods, slots_of_module, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__hexrows(void)
{
    return PyModuleDef_Init(&definition);
}
