/* Columns of many rows laid out as rows, each field behind its length: what `bulk` does in plain Python, and tests compare
 * with it. Optional: without a compiler the plain way is used.
 *
 * The form is that of PostgreSQL's COPY (its manual, "COPY", binary format): how many fields in two bytes, then each field
 * behind its length in four, all of them most significant byte first.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

#define MOST_COLUMNS 64

/* A value for each row: `width` bytes from `cells + row * step` on, of which the last `lengths[row]` count. */
typedef struct {
    Py_buffer cells, lengths;
    int is_text;
} Column;

static Py_ssize_t length_of(const Column *column, Py_ssize_t row)
{
    return column->is_text ? (Py_ssize_t)((const int64_t *)column->lengths.buf)[row] : column->cells.shape[1];
}

/* Takes a pair (cells, lengths or None). Returns 0 where it is none, with an error set; else it is to be released. */
static int take(Column *column, PyObject *pair, Py_ssize_t rows)
{
    PyObject *cells, *lengths;
    if (!PyArg_ParseTuple(pair, "OO", &cells, &lengths))
        return 0;
    if (PyObject_GetBuffer(cells, &column->cells, PyBUF_STRIDED_RO))
        return 0;
    column->is_text = lengths != Py_None;
    if (column->is_text && PyObject_GetBuffer(lengths, &column->lengths, PyBUF_C_CONTIGUOUS)) {
        PyBuffer_Release(&column->cells);
        return 0;
    }
    const Py_buffer *of = &column->cells;
    int fits = of->ndim == 2 && of->itemsize == 1 && of->shape[0] == rows && of->shape[1] < INT32_MAX &&
               (of->strides[1] == 1 || of->shape[1] < 2);
    if (column->is_text)
        fits = fits && column->lengths.len == 8 * rows;
    for (Py_ssize_t row = 0; fits && column->is_text && row < rows; row++)
        fits = length_of(column, row) >= 0 && length_of(column, row) <= of->shape[1];
    if (!fits) {
        PyBuffer_Release(&column->cells);
        if (column->is_text)
            PyBuffer_Release(&column->lengths);
        PyErr_SetString(PyExc_ValueError, "a column is not of as many rows of bytes");
    }
    return fits;
}

static unsigned char *put(unsigned char *at, uint32_t number, int bytes)
{
    for (int byte = bytes - 1; byte >= 0; byte--)
        *at++ = (unsigned char)(number >> (8 * byte));
    return at;
}

static PyObject *pack_rows(PyObject *self, PyObject *args)
{
    PyObject *pairs, *tuple = NULL, *packed = NULL;
    Py_ssize_t rows, taken = 0, size = 0;
    Column columns[MOST_COLUMNS];
    (void)self;
    if (!PyArg_ParseTuple(args, "nO", &rows, &pairs) || (tuple = PySequence_Tuple(pairs)) == NULL)
        return NULL;
    Py_ssize_t count = PyTuple_Size(tuple);
    if (rows < 0 || count > MOST_COLUMNS) {
        PyErr_SetString(PyExc_ValueError, "too many columns");
        goto end;
    }
    for (; taken < count; taken++)
        if (!take(&columns[taken], PyTuple_GetItem(tuple, taken), rows))
            goto end;
    for (Py_ssize_t row = 0; row < rows; row++) {
        size += 2;
        for (Py_ssize_t each = 0; each < count; each++)
            size += 4 + length_of(&columns[each], row);
    }
    packed = PyBytes_FromStringAndSize(NULL, size);
    if (packed == NULL)
        goto end;
    unsigned char *at = (unsigned char *)PyBytes_AsString(packed);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t row = 0; row < rows; row++) {
        at = put(at, (uint32_t)count, 2);
        for (Py_ssize_t each = 0; each < count; each++) {
            const Column *column = &columns[each];
            Py_ssize_t width = column->cells.shape[1], length = length_of(column, row);
            const unsigned char *cell = (const unsigned char *)column->cells.buf + row * column->cells.strides[0];
            at = put(at, (uint32_t)length, 4);
            if (length)
                memcpy(at, cell + width - length, (size_t)length);
            at += length;
        }
    }
    Py_END_ALLOW_THREADS
end:
    while (taken--) {
        PyBuffer_Release(&columns[taken].cells);
        if (columns[taken].is_text)
            PyBuffer_Release(&columns[taken].lengths);
    }
    Py_DECREF(tuple);
    return packed;
}

static PyMethodDef methods[] = {
    {"pack_rows", pack_rows, METH_VARARGS, "Rows as COPY takes them, of their number and columns (cells, lengths or None)."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots_of_module[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_pack", "Columns laid out as rows.", 0, methods, slots_of_module, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__pack(void)
{
    return PyModuleDef_Init(&definition);
}
