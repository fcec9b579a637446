/* Batch normalisation, what is added to it, and ReLU, in as few turns over memory as the formulas allow.

   Maps lie as rows of channels (N H W, C). Forward: y = ReLU(a x + b + addend), with a = weight / sqrt(var + eps) and
   b = bias - a mean; backward with g = the gradient where y > 0: dweight = sum g xhat, dbias = sum g, and
   dx = a (g - mean of g - xhat mean of g xhat), or a g where the statistics were given (Ioffe, Szegedy 2015,
   arXiv:1502.03167). Sums run over blocks of rows in the accumulating format, blocks are added in double; variances of
   blocks are merged (Chan, Golub, LeVeque 1979). Compiled three times, with SUFFIX, STORED (of maps), WIDE (of sums). */

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifndef WIDE

typedef struct { uint16_t bits; } short_float;

static inline float wide_bf16(short_float value) {
    union { uint32_t bits; float number; } as = {(uint32_t)value.bits << 16};
    return as.number;
}

static inline short_float store_bf16(float number) { /* to nearest, ties to even */
    union { float number; uint32_t bits; } as = {number};
    uint32_t rounded = (as.bits + 0x7fff + ((as.bits >> 16) & 1)) >> 16;
    short_float value = {(uint16_t)(number == number ? rounded : 0x7fc0)};
    return value;
}

#define ROWS 32

#define JOINED(name, suffix) name##_##suffix
#define NAMED(name, suffix) JOINED(name, suffix)

#define SUFFIX bf16
#define STORED short_float
#define WIDE float
#define LOAD(value) wide_bf16(value)
#define STORE(number) store_bf16(number)
#include __FILE__
#undef SUFFIX
#undef STORED
#undef LOAD
#undef STORE

#define LOAD(value) (value)
#define STORE(number) (number)
#define SUFFIX f32
#define STORED float
#include __FILE__
#undef SUFFIX
#undef STORED
#undef WIDE

#define SUFFIX f64
#define STORED double
#define WIDE double
#include __FILE__

#else

static void NAMED(row_sums, SUFFIX)(const STORED *restrict x, int64_t rows, int64_t channels, WIDE *restrict sums) {
    memset(sums, 0, channels * sizeof(WIDE));
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * channels)
        for (int64_t c = 0; c < channels; c++)
            sums[c] += (LOAD(x[c]) + LOAD(x[c + channels])) + (LOAD(x[c + 2 * channels]) + LOAD(x[c + 3 * channels]));
    for (; r < rows; r++, x += channels)
        for (int64_t c = 0; c < channels; c++) sums[c] += LOAD(x[c]);
}

static void NAMED(row_squares, SUFFIX)(
    const STORED *restrict x, int64_t rows, int64_t channels, const WIDE *restrict means, WIDE *restrict squares) {
    memset(squares, 0, channels * sizeof(WIDE));
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * channels)
        for (int64_t c = 0; c < channels; c++) {
            WIDE m = means[c], p = LOAD(x[c]) - m, q = LOAD(x[c + channels]) - m;
            WIDE s = LOAD(x[c + 2 * channels]) - m, t = LOAD(x[c + 3 * channels]) - m;
            squares[c] += (p * p + q * q) + (s * s + t * t);
        }
    for (; r < rows; r++, x += channels)
        for (int64_t c = 0; c < channels; c++) squares[c] += (LOAD(x[c]) - means[c]) * (LOAD(x[c]) - means[c]);
}

/* The mean and the sum of squared differences from it, of rows `first` to `last`. */
static void NAMED(part, SUFFIX)(
    const STORED *x, int64_t first, int64_t last, int64_t channels, double *mean, double *squares, WIDE *room) {
    WIDE *means = room, *sums = room + channels;
    for (int64_t c = 0; c < channels; c++) mean[c] = squares[c] = 0;
    for (int64_t row = first; row < last; row += ROWS) {
        int64_t rows = last - row < ROWS ? last - row : ROWS;
        NAMED(row_sums, SUFFIX)(x + row * channels, rows, channels, means);
        for (int64_t c = 0; c < channels; c++) means[c] /= rows;
        NAMED(row_squares, SUFFIX)(x + row * channels, rows, channels, means, sums);
        double before = row - first, share = rows / (before + rows);
        for (int64_t c = 0; c < channels; c++) {
            double apart = means[c] - mean[c];
            mean[c] += apart * share;
            squares[c] += sums[c] + apart * apart * before * share;
        }
    }
}

/* room: threads * channels * (2 doubles + 2 wide); mean and variance (channels) come out, the variance divided by rows */
void NAMED(statistics, SUFFIX)(
    const STORED *x, int64_t rows, int64_t channels, int64_t threads, double *room, double *mean, double *variance) {
    double *parts = room, *wide = room + 2 * threads * channels;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int64_t t = 0; t < threads; t++)
        NAMED(part, SUFFIX)(x, rows * t / threads, rows * (t + 1) / threads, channels, parts + 2 * t * channels,
            parts + (2 * t + 1) * channels, (WIDE *)(wide + 2 * t * channels));
    memset(mean, 0, channels * sizeof(double));
    memset(variance, 0, channels * sizeof(double));
    for (int64_t t = 0; t < threads; t++) {
        double before = rows * t / threads, count = rows * (t + 1) / threads - rows * t / threads;
        if (count == 0) continue;
        for (int64_t c = 0; c < channels; c++) {
            double apart = parts[2 * t * channels + c] - mean[c];
            mean[c] += apart * count / (before + count);
            variance[c] += parts[(2 * t + 1) * channels + c] + apart * apart * before * count / (before + count);
        }
    }
    for (int64_t c = 0; c < channels; c++) variance[c] /= rows;
}

/* y = a x + b, plus addend if there is one, rectified if so; y may be the addend */
void NAMED(apply, SUFFIX)(const STORED *x, const STORED *addend, STORED *y, const WIDE *a, const WIDE *b, int64_t rows,
    int64_t channels, int64_t threads, int64_t rectified) {
    WIDE floor = rectified ? 0 : -INFINITY;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) {
        const STORED *in = x + r * channels, *more = addend ? addend + r * channels : 0;
        STORED *out = y + r * channels;
        if (more)
#pragma omp simd
            for (int64_t c = 0; c < channels; c++) {
                WIDE v = a[c] * LOAD(in[c]) + b[c] + LOAD(more[c]);
                out[c] = STORE(v < floor ? floor : v);
            }
        else
#pragma omp simd
            for (int64_t c = 0; c < channels; c++) {
                WIDE v = a[c] * LOAD(in[c]) + b[c];
                out[c] = STORE(v < floor ? floor : v);
            }
    }
}

static void NAMED(part_of_gradient, SUFFIX)(const STORED *x, const STORED *y, const STORED *dy, STORED *kept,
    const WIDE *a, const WIDE *b, const WIDE *mean, int64_t first, int64_t last, int64_t channels, int64_t rectified,
    double *sum, double *product, WIDE *room) {
    WIDE *sums = room, *products = room + channels;
    for (int64_t c = 0; c < channels; c++) sum[c] = product[c] = 0;
    for (int64_t row = first; row < last;) {
        memset(room, 0, 2 * channels * sizeof(WIDE));
        int64_t end = row + ROWS < last ? row + ROWS : last;
        for (; row < end; row++) {
            const STORED *in = x + row * channels, *g = dy + row * channels;
            const STORED *out = y ? y + row * channels : 0;
            STORED *keep = kept ? kept + row * channels : 0;
            if (out && keep)
#pragma omp simd
                for (int64_t c = 0; c < channels; c++) {
                    WIDE d = LOAD(out[c]) > 0 ? LOAD(g[c]) : 0;
                    keep[c] = STORE(d);
                    sums[c] += d;
                    products[c] += d * (LOAD(in[c]) - mean[c]);
                }
            else if (rectified)
#pragma omp simd
                for (int64_t c = 0; c < channels; c++) {
                    WIDE v = LOAD(in[c]), d = a[c] * v + b[c] > 0 ? LOAD(g[c]) : 0;
                    sums[c] += d;
                    products[c] += d * (v - mean[c]);
                }
            else
#pragma omp simd
                for (int64_t c = 0; c < channels; c++) {
                    WIDE d = LOAD(g[c]);
                    sums[c] += d;
                    products[c] += d * (LOAD(in[c]) - mean[c]);
                }
        }
        for (int64_t c = 0; c < channels; c++) sum[c] += sums[c], product[c] += products[c];
    }
}

/* The sums over rows of g, and of g (x - mean). With `y`, g is dy where y > 0 and is kept; else, if rectified, dy where
   a x + b > 0. room as for statistics. */
void NAMED(sums, SUFFIX)(const STORED *x, const STORED *y, const STORED *dy, STORED *kept, const WIDE *a, const WIDE *b,
    const WIDE *mean, int64_t rows, int64_t channels, int64_t threads, int64_t rectified, double *room, double *sum,
    double *product) {
    double *parts = room, *wide = room + 2 * threads * channels;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int64_t t = 0; t < threads; t++)
        NAMED(part_of_gradient, SUFFIX)(x, y, dy, kept, a, b, mean, rows * t / threads, rows * (t + 1) / threads,
            channels, rectified, parts + 2 * t * channels, parts + (2 * t + 1) * channels,
            (WIDE *)(wide + 2 * t * channels));
    for (int64_t c = 0; c < channels; c++) {
        sum[c] = product[c] = 0;
        for (int64_t t = 0; t < threads; t++)
            sum[c] += parts[2 * t * channels + c], product[c] += parts[(2 * t + 1) * channels + c];
    }
}

/* dx = a g + p (x - mean) + q, with g = dy, where a x + b > 0 if rectified */
void NAMED(spread, SUFFIX)(const STORED *x, const STORED *dy, STORED *dx, const WIDE *a, const WIDE *b,
    const WIDE *mean, const WIDE *p, const WIDE *q, int64_t rows, int64_t channels, int64_t threads,
    int64_t rectified) {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t r = 0; r < rows; r++) {
        const STORED *in = x + r * channels, *g = dy + r * channels;
        STORED *out = dx + r * channels;
        if (rectified)
#pragma omp simd
            for (int64_t c = 0; c < channels; c++) {
                WIDE v = LOAD(in[c]), d = a[c] * v + b[c] > 0 ? LOAD(g[c]) : 0;
                out[c] = STORE(a[c] * d + (p[c] * (v - mean[c]) + q[c]));
            }
        else
#pragma omp simd
            for (int64_t c = 0; c < channels; c++)
                out[c] = STORE(a[c] * LOAD(g[c]) + (p[c] * (LOAD(in[c]) - mean[c]) + q[c]));
    }
}

#endif
