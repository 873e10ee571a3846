/* Many digests signed by one key: what `signers` does one by one, and tests compare with it. Optional: without a
 * compiler the plain way is used.
 *
 * It has no cryptography of its own: it calls the functions of libsecp256k1 (recovery module) that coincurve brings,
 * whose addresses `signers` hands in, in a loop that lets other threads go on meanwhile.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>

#define DIGEST 32
#define SIGNATURE 65

/* secp256k1_recovery.h: opaque, 65 bytes; the nonce is that of RFC 6979 where no function is given. */
typedef struct {
    unsigned char bytes[SIGNATURE];
} recoverable;
typedef int (*signing)(const void *, recoverable *, const unsigned char *, const unsigned char *, void *, const void *);
typedef int (*serializing)(const void *, unsigned char *, int *, const recoverable *);

static int sign_all(unsigned char *out, signing sign, serializing serialize, const void *context,
                    const unsigned char *secret, const unsigned char *digests, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++, out += SIGNATURE, digests += DIGEST) {
        recoverable made;
        int way = 0;
        if (!sign(context, &made, digests, secret, NULL, NULL))
            return 0;
        serialize(context, out, &way, &made);
        out[SIGNATURE - 1] = (unsigned char)(27 + way);
    }
    return 1;
}

static PyObject *sign_each(PyObject *module, PyObject *args)
{
    unsigned long long sign, serialize, context;
    Py_buffer secret, digests;
    PyObject *found = NULL;
    (void)module;
    if (!PyArg_ParseTuple(args, "KKKy*y*", &sign, &serialize, &context, &secret, &digests))
        return NULL;
    if (secret.len != DIGEST || digests.len % DIGEST) {
        PyErr_SetString(PyExc_ValueError, "the key or a digest is not 32 bytes");
        goto end;
    }
    Py_ssize_t count = digests.len / DIGEST;
    found = PyBytes_FromStringAndSize(NULL, SIGNATURE * count);
    if (found == NULL)
        goto end;
    unsigned char *out = (unsigned char *)PyBytes_AsString(found);
    int good;
    Py_BEGIN_ALLOW_THREADS
    good = sign_all(out, (signing)(uintptr_t)sign, (serializing)(uintptr_t)serialize, (const void *)(uintptr_t)context,
                    secret.buf, digests.buf, count);
    Py_END_ALLOW_THREADS
    if (!good) {
        Py_CLEAR(found);
        PyErr_SetString(PyExc_ValueError, "the key signs nothing");
    }
end:
    PyBuffer_Release(&secret);
    PyBuffer_Release(&digests);
    return found;
}

static PyMethodDef methods[] = {
    {"sign_each", sign_each, METH_VARARGS,
     "The signatures (r || s || v, 65 bytes each) of a key over digests (32 bytes each), by these functions."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots_of_module[] = {{0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_signing", "Many digests signed by one key.", 0, methods, slots_of_module, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__signing(void)
{
    return PyModuleDef_Init(&definition);
}
