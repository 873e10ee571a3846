/* SHA-256 (FIPS 180-4) of many short things at once: what `hashlib` does one by one, and tests compare with it. Optional:
 * without a compiler the plain way is used.
 *
 * A key tree, a tree of hashes, a row of sealed units: each hash is of one block or few, and the call costs more than the
 * hashing. Where the processor has instructions for SHA-256 they are used; that is asked when the module is loaded.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

#define BLOCK 64
#define DIGEST 32

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__)
#define INSTRUCTIONS 1
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t ROUNDS[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#define ROTATED(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

static uint32_t word_at(const unsigned char *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* The state after these blocks (6.2.2). */
static void compress_anywhere(uint32_t *state, const unsigned char *blocks, size_t count)
{
    for (; count; count--, blocks += BLOCK) {
        uint32_t w[64], s[8];
        for (int at = 0; at < 16; at++)
            w[at] = word_at(blocks + 4 * at);
        for (int at = 16; at < 64; at++) {
            uint32_t a = w[at - 15], b = w[at - 2];
            w[at] = w[at - 16] + w[at - 7] + (ROTATED(a, 7) ^ ROTATED(a, 18) ^ a >> 3)
                    + (ROTATED(b, 17) ^ ROTATED(b, 19) ^ b >> 10);
        }
        memcpy(s, state, sizeof s);
        for (int at = 0; at < 64; at++) {
            uint32_t a = s[0], e = s[4];
            uint32_t one = s[7] + (ROTATED(e, 6) ^ ROTATED(e, 11) ^ ROTATED(e, 25)) + ((e & s[5]) ^ (~e & s[6]))
                           + ROUNDS[at] + w[at];
            uint32_t two = (ROTATED(a, 2) ^ ROTATED(a, 13) ^ ROTATED(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof *s);
            s[4] += one;
            s[0] = one + two;
        }
        for (int at = 0; at < 8; at++)
            state[at] += s[at];
    }
}

#ifdef INSTRUCTIONS
/* The instructions hold the state as words A B E F and C D G H, and do two rounds each. */
__attribute__((target("sha,sse4.1"))) static void compress_by_instructions(uint32_t *state, const unsigned char *blocks,
                                                                           size_t count)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; count; count--, blocks += BLOCK) {
        __m128i first = abef, second = cdgh, w[4];
        for (int at = 0; at < 4; at++)
            w[at] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(blocks + 16 * at)), order);
#pragma GCC unroll 16
        for (int at = 0; at < 16; at++) {
            __m128i words = _mm_add_epi32(w[at & 3], _mm_loadu_si128((const __m128i *)(ROUNDS + 4 * at)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
            if (at < 12) {
                __m128i last = w[(at + 3) & 3], next = _mm_sha256msg1_epu32(w[at & 3], w[(at + 1) & 3]);
                next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(at + 2) & 3], 4));
                w[at & 3] = _mm_sha256msg2_epu32(next, last);
            }
        }
        abef = _mm_add_epi32(abef, first);
        cdgh = _mm_add_epi32(cdgh, second);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

static void (*compress)(uint32_t *, const unsigned char *, size_t) = compress_anywhere;
static const char *chosen = "anywhere";

static void choose(void)
{
#ifdef INSTRUCTIONS
    unsigned a, b, c, d, basic = 0;
    if (__get_cpuid(1, &a, &b, &c, &d))
        basic = c;
    if ((basic & bit_SSE4_1) && (basic & bit_SSSE3) && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA)) {
        compress = compress_by_instructions;
        chosen = "instructions";
    }
#endif
}

/* What is to be hashed, or stands before it: where it is and how long. */
typedef struct {
    const unsigned char *bytes;
    Py_ssize_t length;
} Item;

/* Hashes an item behind a prefix, which is shorter than a block. */
static void hash_behind(Item prefix, Item item, unsigned char *digest)
{
    uint32_t state[8];
    unsigned char block[2 * BLOCK] = {0};
    size_t held = (size_t)prefix.length, left = (size_t)item.length;
    const unsigned char *from = item.bytes;
    memcpy(state, START, sizeof state);
    if (held) {
        size_t part = left < BLOCK - held ? left : BLOCK - held;
        memcpy(block, prefix.bytes, held);
        if (part)
            memcpy(block + held, from, part);
        held += part, from += part, left -= part;
        if (held == BLOCK) {
            compress(state, block, 1);
            memset(block, 0, BLOCK);
            held = 0;
        }
    }
    if (left >= BLOCK) {
        compress(state, from, left / BLOCK);
        from += left & ~(size_t)(BLOCK - 1), left &= BLOCK - 1;
    }
    if (left)
        memcpy(block, from, left), held = left; /* nothing else is held where something is left */
    size_t last = held < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    uint64_t bits = 8 * ((uint64_t)prefix.length + (uint64_t)item.length);
    block[held] = 0x80;
    for (int at = 0; at < 8; at++)
        block[last - 1 - at] = (unsigned char)(bits >> (8 * at));
    compress(state, block, last / BLOCK);
    for (int at = 0; at < DIGEST; at++)
        digest[at] = (unsigned char)(state[at / 4] >> (24 - 8 * (at % 4)));
}

static Item *room_for(Py_ssize_t count)
{
    Item *items = PyMem_Malloc(sizeof(Item) * (size_t)(count ? count : 1));
    if (items == NULL)
        PyErr_NoMemory();
    return items;
}

/* The items of a tuple of bytes objects, each at most so long; NULL with an error. */
static Item *items_of(PyObject *tuple, Py_ssize_t longest)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    Item *items = room_for(count);
    if (items == NULL)
        return NULL;
    for (Py_ssize_t at = 0; at < count; at++) {
        char *bytes;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, at), &bytes, &length))
            goto failed;
        if (length > longest) {
            PyErr_SetString(PyExc_ValueError, "a prefix is not shorter than a block");
            goto failed;
        }
        items[at] = (Item){(const unsigned char *)bytes, length};
    }
    return items;
failed:
    PyMem_Free(items);
    return NULL;
}

static PyObject *sha256_rows(PyObject *self, PyObject *args)
{
    Py_buffer rows;
    Py_ssize_t width;
    PyObject *given;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*nO!", &rows, &width, &PyTuple_Type, &given))
        return NULL;
    PyObject *found = NULL;
    Item *prefixes = items_of(given, BLOCK - 1);
    if (prefixes == NULL)
        goto end;
    if (width < 1 || rows.len % width) {
        PyErr_SetString(PyExc_ValueError, "the rows are not of this width");
        goto end;
    }
    Py_ssize_t count = rows.len / width, each = PyTuple_Size(given);
    found = PyBytes_FromStringAndSize(NULL, DIGEST * count * each);
    if (found == NULL)
        goto end;
    unsigned char *digest = (unsigned char *)PyBytes_AsString(found);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t row = 0; row < count; row++)
        for (Py_ssize_t at = 0; at < each; at++, digest += DIGEST)
            hash_behind(prefixes[at], (Item){(const unsigned char *)rows.buf + width * row, width}, digest);
    Py_END_ALLOW_THREADS
end:
    PyMem_Free(prefixes);
    PyBuffer_Release(&rows);
    return found;
}

static PyObject *sha256_each(PyObject *self, PyObject *given)
{
    (void)self;
    PyObject *tuple = PySequence_Tuple(given); /* holds on to the items while they are read */
    if (tuple == NULL)
        return NULL;
    PyObject *found = NULL;
    Item *items = items_of(tuple, PY_SSIZE_T_MAX);
    if (items == NULL)
        goto end;
    Py_ssize_t count = PyTuple_Size(tuple);
    found = PyBytes_FromStringAndSize(NULL, DIGEST * count);
    if (found == NULL)
        goto end;
    unsigned char *digests = (unsigned char *)PyBytes_AsString(found);
    Py_BEGIN_ALLOW_THREADS
    for (Py_ssize_t at = 0; at < count; at++)
        hash_behind((Item){NULL, 0}, items[at], digests + DIGEST * at);
    Py_END_ALLOW_THREADS
end:
    PyMem_Free(items);
    Py_DECREF(tuple);
    return found;
}

static PyMethodDef methods[] = {
    {"sha256_rows", sha256_rows, METH_VARARGS,
     "The hashes, 32 bytes each, of every row (of equal width) behind each of some prefixes."},
    {"sha256_each", sha256_each, METH_O, "The hashes, 32 bytes each, of some bytes objects."},
    {NULL, NULL, 0, NULL},
};

static int exec(PyObject *module)
{
    choose();
    return PyModule_AddStringConstant(module, "WAY", chosen);
}

static PyModuleDef_Slot slots_of_module[] = {{Py_mod_exec, exec}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_sha256", "SHA-256 of many short things at once.", 0, methods, slots_of_module, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__sha256(void)
{
    return PyModuleDef_Init(&definition);
}
