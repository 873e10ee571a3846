/* Keccak-256 of many things at once, and journals folded: what `hashing` and `journal` do in plain Python, and tests
 * compare with it. Optional: without a compiler the plain ways are used.
 *
 * The permutation is Keccak-f[1600] (FIPS 202, 3.2 to 3.4), with Keccak's own padding 0x01 .. 0x80 (the EVM's hash). It is
 * written once, over a lane type: one state in 64-bit words, or four states side by side in vectors of four words, which
 * a processor with AVX2 (or better AVX-512VL, which can rotate) does in about the time of one. What a processor has is
 * asked when the module is loaded.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

#define RATE 136
#define LANES 4
#define DIGEST 32

#if (defined(__x86_64__) || defined(_M_X64)) && defined(__GNUC__)
#define WIDE 1
typedef uint64_t four __attribute__((vector_size(32)));
#endif

static const uint64_t ROUNDS[24] = {
    0x0000000000000001ULL, 0x0000000000008082ULL, 0x800000000000808aULL, 0x8000000080008000ULL, 0x000000000000808bULL,
    0x0000000080000001ULL, 0x8000000080008081ULL, 0x8000000000008009ULL, 0x000000000000008aULL, 0x0000000000000088ULL,
    0x0000000080008009ULL, 0x000000008000000aULL, 0x000000008000808bULL, 0x800000000000008bULL, 0x8000000000008089ULL,
    0x8000000000008003ULL, 0x8000000000008002ULL, 0x8000000000000080ULL, 0x000000000000800aULL, 0x800000008000000aULL,
    0x8000000080008081ULL, 0x8000000000008080ULL, 0x0000000080000001ULL, 0x8000000080008008ULL,
};

#define ROTATED(x, n) (((x) << (n)) | ((x) >> (64 - (n))))
#define CHI(row, to) \
    to##0 = row##0 ^ (~row##1 & row##2); \
    to##1 = row##1 ^ (~row##2 & row##3); \
    to##2 = row##2 ^ (~row##3 & row##4); \
    to##3 = row##3 ^ (~row##4 & row##0); \
    to##4 = row##4 ^ (~row##0 & row##1);

/* State word (x, y) is s[x + 5 y]; below, the letter is y and the digit x. */
#define PERMUTE(lane, s) \
    lane a0 = s[0], a1 = s[1], a2 = s[2], a3 = s[3], a4 = s[4]; \
    lane b0 = s[5], b1 = s[6], b2 = s[7], b3 = s[8], b4 = s[9]; \
    lane c0 = s[10], c1 = s[11], c2 = s[12], c3 = s[13], c4 = s[14]; \
    lane d0 = s[15], d1 = s[16], d2 = s[17], d3 = s[18], d4 = s[19]; \
    lane e0 = s[20], e1 = s[21], e2 = s[22], e3 = s[23], e4 = s[24]; \
    for (int round = 0; round < 24; round++) { \
        lane p0 = a0 ^ b0 ^ c0 ^ d0 ^ e0, p1 = a1 ^ b1 ^ c1 ^ d1 ^ e1, p2 = a2 ^ b2 ^ c2 ^ d2 ^ e2; \
        lane p3 = a3 ^ b3 ^ c3 ^ d3 ^ e3, p4 = a4 ^ b4 ^ c4 ^ d4 ^ e4; \
        lane t0 = p4 ^ ROTATED(p1, 1), t1 = p0 ^ ROTATED(p2, 1), t2 = p1 ^ ROTATED(p3, 1); \
        lane t3 = p2 ^ ROTATED(p4, 1), t4 = p3 ^ ROTATED(p0, 1); \
        lane u0 = a0 ^ t0, u1 = ROTATED(b1 ^ t1, 44), u2 = ROTATED(c2 ^ t2, 43); \
        lane u3 = ROTATED(d3 ^ t3, 21), u4 = ROTATED(e4 ^ t4, 14); \
        lane v0 = ROTATED(a3 ^ t3, 28), v1 = ROTATED(b4 ^ t4, 20), v2 = ROTATED(c0 ^ t0, 3); \
        lane v3 = ROTATED(d1 ^ t1, 45), v4 = ROTATED(e2 ^ t2, 61); \
        lane w0 = ROTATED(a1 ^ t1, 1), w1 = ROTATED(b2 ^ t2, 6), w2 = ROTATED(c3 ^ t3, 25); \
        lane w3 = ROTATED(d4 ^ t4, 8), w4 = ROTATED(e0 ^ t0, 18); \
        lane x0 = ROTATED(a4 ^ t4, 27), x1 = ROTATED(b0 ^ t0, 36), x2 = ROTATED(c1 ^ t1, 10); \
        lane x3 = ROTATED(d2 ^ t2, 15), x4 = ROTATED(e3 ^ t3, 56); \
        lane y0 = ROTATED(a2 ^ t2, 62), y1 = ROTATED(b3 ^ t3, 55), y2 = ROTATED(c4 ^ t4, 39); \
        lane y3 = ROTATED(d0 ^ t0, 41), y4 = ROTATED(e1 ^ t1, 2); \
        CHI(u, a) CHI(v, b) CHI(w, c) CHI(x, d) CHI(y, e) \
        a0 ^= ROUNDS[round]; \
    } \
    s[0] = a0, s[1] = a1, s[2] = a2, s[3] = a3, s[4] = a4; \
    s[5] = b0, s[6] = b1, s[7] = b2, s[8] = b3, s[9] = b4; \
    s[10] = c0, s[11] = c1, s[12] = c2, s[13] = c3, s[14] = c4; \
    s[15] = d0, s[16] = d1, s[17] = d2, s[18] = d3, s[19] = d4; \
    s[20] = e0, s[21] = e1, s[22] = e2, s[23] = e3, s[24] = e4;

/* Four states, word by word: words[i][lane]. */
typedef union {
    uint64_t words[25][LANES];
#ifdef WIDE
    four wide[25];
#endif
} States;

static void permute_one_by_one(States *states)
{
    for (int at = 0; at < LANES; at++) {
        uint64_t s[25];
        for (int word = 0; word < 25; word++)
            s[word] = states->words[word][at];
        {
            PERMUTE(uint64_t, s)
        }
        for (int word = 0; word < 25; word++)
            states->words[word][at] = s[word];
    }
}

#ifdef WIDE
__attribute__((target("avx2"))) static void permute_avx2(States *states)
{
    four *s = states->wide;
    PERMUTE(four, s)
}

__attribute__((target("avx2,avx512f,avx512vl"))) static void permute_avx512(States *states)
{
    four *s = states->wide;
    PERMUTE(four, s)
}
#endif

static void (*permute)(States *) = permute_one_by_one;
static const char *chosen = "one by one";

static void choose(void)
{
#ifdef WIDE
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
        permute = permute_avx512;
        chosen = "AVX-512";
    } else if (__builtin_cpu_supports("avx2")) {
        permute = permute_avx2;
        chosen = "AVX2";
    }
#endif
}

static uint64_t loaded(const unsigned char *from)
{
    uint64_t word;
    memcpy(&word, from, 8);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static void absorb(States *states, int at, const unsigned char *block)
{
    for (int word = 0; word < RATE / 8; word++)
        states->words[word][at] ^= loaded(block + 8 * word);
}

static void squeeze(const States *states, int at, unsigned char *digest)
{
    for (int word = 0; word < DIGEST / 8; word++) {
        uint64_t value = states->words[word][at];
        for (int byte = 0; byte < 8; byte++)
            digest[8 * word + byte] = (unsigned char)(value >> (8 * byte));
    }
}

/* What is to be hashed: where it is and how long. */
typedef struct {
    const unsigned char *bytes;
    Py_ssize_t length;
} Item;

/* Hashes items into 32 bytes each. Every lane takes the next item as soon as it is done with its own. */
static void hash_all(const Item *items, Py_ssize_t count, unsigned char *digests)
{
    States states;
    Py_ssize_t item[LANES], done[LANES], next = 0;
    int busy = 0;
    memset(&states, 0, sizeof states);
    for (int at = 0; at < LANES; at++) {
        item[at] = next < count ? next++ : -1;
        done[at] = 0;
        busy += item[at] >= 0;
    }
    while (busy) {
        int last[LANES];
        for (int at = 0; at < LANES; at++) {
            last[at] = 0;
            if (item[at] < 0)
                continue;
            const Item *mine = &items[item[at]];
            Py_ssize_t left = mine->length - done[at];
            if (left >= RATE) {
                absorb(&states, at, mine->bytes + done[at]);
                done[at] += RATE;
            } else {
                unsigned char block[RATE] = {0};
                if (left)
                    memcpy(block, mine->bytes + done[at], (size_t)left);
                block[left] = 0x01;
                block[RATE - 1] |= 0x80;
                absorb(&states, at, block);
                last[at] = 1;
            }
        }
        permute(&states);
        for (int at = 0; at < LANES; at++) {
            if (!last[at])
                continue;
            squeeze(&states, at, digests + DIGEST * item[at]);
            for (int word = 0; word < 25; word++)
                states.words[word][at] = 0;
            item[at] = next < count ? next++ : -1;
            done[at] = 0;
            busy -= item[at] < 0;
        }
    }
}

/* Room for items, of which there may be none. */
static Item *room_for(Py_ssize_t count)
{
    Item *items = PyMem_Malloc(sizeof(Item) * (size_t)(count ? count : 1));
    if (items == NULL)
        PyErr_NoMemory();
    return items;
}

/* The digests of items as bytes. */
static PyObject *hashed(const Item *items, Py_ssize_t count)
{
    PyObject *found = PyBytes_FromStringAndSize(NULL, DIGEST * count);
    if (found == NULL)
        return NULL;
    unsigned char *digests = (unsigned char *)PyBytes_AsString(found);
    Py_BEGIN_ALLOW_THREADS
    hash_all(items, count, digests);
    Py_END_ALLOW_THREADS
    return found;
}

static PyObject *keccak256_rows(PyObject *self, PyObject *args)
{
    Py_buffer rows;
    Py_ssize_t width;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*n", &rows, &width))
        return NULL;
    PyObject *found = NULL;
    Item *items = NULL;
    if (width < 1 || rows.len % width) {
        PyErr_SetString(PyExc_ValueError, "the rows are not of this width");
        goto end;
    }
    Py_ssize_t count = rows.len / width;
    items = room_for(count);
    if (items == NULL)
        goto end;
    for (Py_ssize_t at = 0; at < count; at++)
        items[at] = (Item){(const unsigned char *)rows.buf + width * at, width};
    found = hashed(items, count);
end:
    PyMem_Free(items);
    PyBuffer_Release(&rows);
    return found;
}

static PyObject *keccak256_each(PyObject *self, PyObject *given)
{
    (void)self;
    PyObject *tuple = PySequence_Tuple(given); /* holds on to the items while they are read */
    if (tuple == NULL)
        return NULL;
    PyObject *found = NULL;
    Py_ssize_t count = PyTuple_Size(tuple);
    Item *items = room_for(count);
    if (items == NULL)
        goto end;
    for (Py_ssize_t at = 0; at < count; at++) {
        char *bytes;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(tuple, at), &bytes, &length))
            goto end;
        items[at] = (Item){(const unsigned char *)bytes, length};
    }
    found = hashed(items, count);
end:
    PyMem_Free(items);
    Py_DECREF(tuple);
    return found;
}

/* A head after one more log: the hash of head (32 bytes) and tail (64 bytes). All slots of a log are folded at once. */
static void fold_all(unsigned char *heads, const unsigned char *tails, const int32_t *slots, Py_ssize_t count,
                     Py_ssize_t width)
{
    States states;
    for (Py_ssize_t log = 0; log < count; log++) {
        const unsigned char *tail = tails + 64 * log;
        for (Py_ssize_t first = 0; first < width; first += LANES) {
            int used = 0, slot[LANES];
            for (Py_ssize_t at = first; at < width && at < first + LANES; at++)
                if (slots[width * log + at] >= 0)
                    slot[used++] = slots[width * log + at];
            if (!used)
                continue;
            memset(&states, 0, sizeof states);
            for (int at = 0; at < used; at++) {
                const unsigned char *head = heads + DIGEST * (Py_ssize_t)slot[at];
                for (int word = 0; word < 4; word++)
                    states.words[word][at] = loaded(head + 8 * word);
                for (int word = 0; word < 8; word++)
                    states.words[4 + word][at] = loaded(tail + 8 * word);
                states.words[12][at] = 0x01;
                states.words[RATE / 8 - 1][at] = 0x8000000000000000ULL;
            }
            permute(&states);
            for (int at = 0; at < used; at++)
                squeeze(&states, at, heads + DIGEST * (Py_ssize_t)slot[at]);
        }
    }
}

static PyObject *fold_heads(PyObject *self, PyObject *args)
{
    Py_buffer heads, tails, slots;
    Py_ssize_t width;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*n", &heads, &tails, &slots, &width))
        return NULL;
    PyObject *found = NULL;
    Py_ssize_t count = tails.len / 64, known = heads.len / DIGEST;
    if (width < 1 || tails.len % 64 || heads.len % DIGEST || slots.len != 4 * count * width) {
        PyErr_SetString(PyExc_ValueError, "heads, tails and slots are not of their sizes");
        goto end;
    }
    const int32_t *each = slots.buf;
    for (Py_ssize_t at = 0; at < count * width; at++)
        if (each[at] >= known) {
            PyErr_SetString(PyExc_ValueError, "there is no head in this slot");
            goto end;
        }
    found = PyBytes_FromStringAndSize(heads.buf, heads.len);
    if (found == NULL)
        goto end;
    unsigned char *folded = (unsigned char *)PyBytes_AsString(found);
    Py_BEGIN_ALLOW_THREADS
    fold_all(folded, tails.buf, each, count, width);
    Py_END_ALLOW_THREADS
end:
    PyBuffer_Release(&heads);
    PyBuffer_Release(&tails);
    PyBuffer_Release(&slots);
    return found;
}

static PyMethodDef methods[] = {
    {"keccak256_rows", keccak256_rows, METH_VARARGS, "The hashes, 32 bytes each, of rows of equal width."},
    {"keccak256_each", keccak256_each, METH_O, "The hashes, 32 bytes each, of some bytes objects."},
    {"fold_heads", fold_heads, METH_VARARGS,
     "Heads after each tail (64 bytes) was folded into those of its slots (int32, a row of `width`; -1 for none)."},
    {NULL, NULL, 0, NULL},
};

static int exec(PyObject *module)
{
    choose();
    return PyModule_AddStringConstant(module, "WAY", chosen);
}

static PyModuleDef_Slot slots_of_module[] = {{Py_mod_exec, exec}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_keccak", "Keccak-256 of many things at once.", 0, methods, slots_of_module, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__keccak(void)
{
    return PyModuleDef_Init(&definition);
}
