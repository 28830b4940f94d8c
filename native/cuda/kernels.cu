// The CUDA kernels: the bodies of native/core/kernels, one thread an element, or one a channel of a chunk of
// pixels where there are sums. No kernel uses shared memory or an atomic operation, and the order of every
// sum depends on the shape alone: results are the same in every run. The C++ compiler can compile this file,
// too: with SELFGRAD_EMULATED_GRID (native/test/cuda) a launch is a loop over its threads.
#include "kernels.h"
#include "kernels/norm_activation.h"
#include "kernels/norm_statistics.h"
#include "kernels/normalize.h"
#include "kernels/philox.h"
#include "kernels/projected_step.h"
#include "kernels/see_through.h"

#if defined(SELFGRAD_EMULATED_GRID)
#include "emulated_grid.h"
#else
#include <cuda_runtime.h>
#endif

namespace selfgrad::cuda {
namespace {

constexpr int kThreads = 256;
/// Pixels whose sums one thread takes.
constexpr int64_t kChunk = 64;
/// Rows of partial sums that one thread adds.
constexpr int64_t kFold = 32;
constexpr int64_t kSampled = 64;

__device__ inline int64_t thread_index() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

int64_t blocks_of(int64_t threads) {
  return (threads + kThreads - 1) / kThreads;
}

#if defined(SELFGRAD_EMULATED_GRID)
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), int64_t threads, Stream, Arguments... arguments) {
  emulate(blocks_of(threads), kThreads, [&] { kernel(arguments...); });
}
#else
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), int64_t threads, Stream stream, Arguments... arguments) {
  kernel<<<static_cast<unsigned>(blocks_of(threads)), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      arguments...);
}
#endif

template <class T>
__global__ void pivots_kernel(Shape shape, const T* x, float* pivot) {
  const int64_t c = thread_index();
  if (c >= shape.channels) return;
  const int64_t sampled = shape.pixels < kSampled ? shape.pixels : kSampled;
  double sum = 0;
  for (int64_t i = 0; i < sampled; ++i)
    sum += to_float(x[i * shape.pixels / sampled * shape.channels + c]);
  pivot[c] = to_float(from_float<Bfloat16>(static_cast<float>(sum / static_cast<double>(sampled))));
}

/// The chunk of pixels and the channel of a thread.
struct Column {
  int64_t chunk, channel, first, end;
};
__device__ inline Column column(Shape shape) {
  const int64_t i = thread_index();
  const int64_t chunk = i / shape.channels;
  const int64_t end = (chunk + 1) * kChunk;
  return {chunk, i % shape.channels, chunk * kChunk, end < shape.pixels ? end : shape.pixels};
}

template <class T>
__global__ void moments_kernel(Shape shape, const T* x, const float* pivot, double* partial) {
  const Column at = column(shape);
  if (at.first >= shape.pixels) return;
  float sum = 0, squares = 0;
  for (int64_t pixel = at.first; pixel < at.end; ++pixel) {
    const float centred = to_float(x[pixel * shape.channels + at.channel]) - pivot[at.channel];
    sum += centred;
    squares = kernels::multiply_add(centred, centred, squares);
  }
  double* row = partial + at.chunk * 2 * shape.channels;
  row[at.channel] = sum;
  row[shape.channels + at.channel] = squares;
}

__global__ void fold_kernel(int64_t rows, int64_t width, const double* from, double* to) {
  const int64_t i = thread_index();
  const int64_t first = i / width * kFold;
  if (first >= rows) return;
  const int64_t end = first + kFold < rows ? first + kFold : rows;
  double sum = 0;
  for (int64_t row = first; row < end; ++row)
    sum += from[row * width + i % width];
  to[i] = sum;
}

__global__ void statistics_kernel(Shape shape, const float* pivot, const double* sums, double* mean,
                                  double* variance) {
  const int64_t c = thread_index();
  if (c >= shape.channels) return;
  const auto of = kernels::channel_statistics(pivot[c], sums[c], sums[shape.channels + c],
                                              static_cast<double>(shape.pixels));
  mean[c] = of.mean;
  variance[c] = of.variance;
}

__global__ void affine_kernel(Shape shape, const float* weight, const float* bias, const double* mean,
                              const double* variance, double eps, float* scale, float* shift) {
  const int64_t c = thread_index();
  if (c >= shape.channels) return;
  const double factor = weight[c] * kernels::inverse_std(variance[c], eps);
  scale[c] = static_cast<float>(factor);
  shift[c] = static_cast<float>(bias[c] - mean[c] * factor);
}

template <class Act, class T>
__global__ void forward_kernel(Shape shape, const T* x, const float* scale, const float* shift, T* y) {
  const int64_t i = thread_index();
  if (i >= shape.pixels * shape.channels) return;
  const int64_t c = i % shape.channels;
  y[i] = from_float<T>(kernels::norm_activation<Act>(to_float(x[i]), scale[c], shift[c]));
}

template <class Act, class T>
__global__ void backward_kernel(Shape shape, const T* gy, const T* x, const float* scale, const float* shift,
                                const double* mean, T* gz, double* partial) {
  const Column at = column(shape);
  if (at.first >= shape.pixels) return;
  const auto centre = static_cast<float>(mean[at.channel]);
  float sum = 0, product = 0;
  for (int64_t pixel = at.first; pixel < at.end; ++pixel) {
    const int64_t i = pixel * shape.channels + at.channel;
    const float value = to_float(x[i]);
    const float g =
        kernels::norm_activation_slope<Act>(to_float(gy[i]), value, scale[at.channel], shift[at.channel]);
    sum += g;
    product = kernels::multiply_add(g, value - centre, product);
    gz[i] = from_float<T>(g);
  }
  double* row = partial + at.chunk * 2 * shape.channels;
  row[at.channel] = sum;
  row[shape.channels + at.channel] = product;
}

__global__ void slopes_kernel(Shape shape, double share, const float* scale, const double* mean,
                              const double* variance, double eps, const double* sums, float* slope,
                              float* offset, float* gw, float* gb) {
  const int64_t c = thread_index();
  if (c >= shape.channels) return;
  const double invstd = kernels::inverse_std(variance[c], eps);
  const double sum = sums[c], product = sums[shape.channels + c];
  const auto of = kernels::channel_slope(scale[c], mean[c], invstd, sum, product, share);
  slope[c] = static_cast<float>(of.slope);
  offset[c] = static_cast<float>(of.offset);
  gw[c] = static_cast<float>(product * invstd);
  gb[c] = static_cast<float>(sum);
}

template <class T>
__global__ void gradient_kernel(Shape shape, const T* gz, const T* x, const float* scale, const float* slope,
                                const float* offset, T* gx) {
  const int64_t i = thread_index();
  if (i >= shape.pixels * shape.channels) return;
  const int64_t c = i % shape.channels;
  gx[i] =
      from_float<T>(kernels::norm_gradient(to_float(gz[i]), to_float(x[i]), scale[c], slope[c], offset[c]));
}

template <class Act, class T>
__global__ void backward_constant_kernel(Shape shape, const T* gy, const T* x, const float* scale,
                                         const float* shift, T* gx) {
  const int64_t i = thread_index();
  if (i >= shape.pixels * shape.channels) return;
  const int64_t c = i % shape.channels;
  const float g = kernels::norm_activation_slope<Act>(to_float(gy[i]), to_float(x[i]), scale[c], shift[c]);
  gx[i] = from_float<T>(scale[c] * g);
}

template <class T>
__global__ void normalize_kernel(Shape shape, const float* x, const float* mean, const float* std, T* y) {
  const int64_t i = thread_index();
  if (i >= shape.pixels * shape.channels) return;
  const int64_t c = i % shape.channels;
  y[i] = from_float<T>(kernels::normalized(x[i], mean[c], std[c]));
}

template <class T>
__global__ void normalize_backward_kernel(Shape shape, const T* gy, const float* std, float* gx) {
  const int64_t i = thread_index();
  if (i >= shape.pixels * shape.channels) return;
  gx[i] = kernels::normalized_gradient(to_float(gy[i]), std[i % shape.channels]);
}

__global__ void projected_step_kernel(int64_t count, int64_t size, const float* x, const float* origin,
                                      const float* gradient, const float* alpha, float eps, float* next) {
  const int64_t i = thread_index();
  if (i >= count) return;
  next[i] = kernels::projected_step(x[i], origin[i], gradient[i], alpha[i / size], eps);
}

__global__ void uniform_kernel(int64_t count, int64_t size, kernels::CudaDraw draw, const int64_t* indices,
                               float low, float range, float* out) {
  const int64_t blocks = (size + 3) / 4;
  const int64_t i = thread_index();
  if (i >= count * blocks) return;
  const int64_t example = i / blocks, block = i % blocks;
  const auto drawn =
      kernels::philox4x32({{static_cast<uint32_t>(draw.first_block + block),
                            static_cast<uint32_t>(indices[example]), draw.round, draw.purpose}},
                          static_cast<uint32_t>(draw.seed), static_cast<uint32_t>(draw.seed >> 32));
  float* to = out + example * size + 4 * block;
  for (int64_t lane = 0; lane < 4 && 4 * block + lane < size; ++lane)
    to[lane] = low + range * kernels::unit_float(drawn.words[lane]);
}

/// A pixel of the augmented image of a thread, and where it comes from.
struct Seen {
  int64_t image, source;  ///< of the view; in a plane of its row
  bool visible;           ///< inside the row
};
__device__ inline Seen seen(const View& view, int64_t i) {
  const int64_t plane = view.height * view.width;
  const int64_t image = i / plane, y = i % plane / view.width, x = i % view.width;
  const int32_t* transform = view.transforms + 3 * image;
  const int64_t row = y + transform[0];
  const int64_t column = kernels::source_column(x, view.width, transform[1], transform[2] != 0);
  const bool visible = row >= 0 && row < view.height && column >= 0 && column < view.width;
  return {image, row * view.width + column, visible};
}

template <class Pixel>
__global__ void read_through_kernel(View view, const Pixel* rows, float scale, float* out) {
  const int64_t i = thread_index();
  const int64_t plane = view.height * view.width;
  if (i >= view.count * plane) return;
  const Seen at = seen(view, i);
  const Pixel* row = rows + view.indices[at.image] * view.channels * plane;
  for (int64_t c = 0; c < view.channels; ++c)
    out[i * view.channels + c] = at.visible ? scale * static_cast<float>(row[c * plane + at.source]) : 0.0F;
}

__global__ void write_through_kernel(View view, const float* values, float scale, int8_t* rows) {
  const int64_t i = thread_index();
  const int64_t plane = view.height * view.width;
  if (i >= view.count * plane) return;
  const Seen at = seen(view, i);
  if (!at.visible) return;
  int8_t* row = rows + view.indices[at.image] * view.channels * plane;
  for (int64_t c = 0; c < view.channels; ++c)
    row[c * plane + at.source] = kernels::quantized(values[i * view.channels + c], scale);
}

/// Sums the rows of `partial`, folding to and fro between its two parts; the last fold writes `sums`.
void fold(Stream stream, Shape shape, double* partial, double* sums) {
  int64_t rows = partial_rows(shape);
  const int64_t width = 2 * shape.channels;
  double* from = partial;
  double* other = partial + rows * width;
  for (;;) {
    const int64_t folded = (rows + kFold - 1) / kFold;
    launch(fold_kernel, folded * width, stream, rows, width, from, folded == 1 ? sums : other);
    if (folded == 1) return;
    double* written = other;
    other = from;
    from = written;
    rows = folded;
  }
}

}  // namespace

int64_t partial_rows(Shape shape) {
  return (shape.pixels + kChunk - 1) / kChunk;
}

template <class T>
void pivots(Stream stream, Shape shape, const T* x, float* pivot) {
  launch(pivots_kernel<T>, shape.channels, stream, shape, x, pivot);
}

template <class T>
void moments(Stream stream, Shape shape, const T* x, const float* pivot, double* partial, double* sums) {
  launch(moments_kernel<T>, partial_rows(shape) * shape.channels, stream, shape, x, pivot, partial);
  fold(stream, shape, partial, sums);
}

void statistics(Stream stream, Shape shape, const float* pivot, const double* sums, double* mean,
                double* variance) {
  launch(statistics_kernel, shape.channels, stream, shape, pivot, sums, mean, variance);
}

void affine(Stream stream, Shape shape, const float* weight, const float* bias, const double* mean,
            const double* variance, double eps, float* scale, float* shift) {
  launch(affine_kernel, shape.channels, stream, shape, weight, bias, mean, variance, eps, scale, shift);
}

template <class T>
void forward(Stream stream, Shape shape, bool silu, const T* x, const float* scale, const float* shift,
             T* y) {
  launch(silu ? forward_kernel<kernels::Silu, T> : forward_kernel<kernels::Relu, T>,
         shape.pixels * shape.channels, stream, shape, x, scale, shift, y);
}

template <class T>
void backward(Stream stream, Shape shape, bool silu, const T* gy, const T* x, const float* scale,
              const float* shift, const double* mean, T* gz, double* partial, double* sums) {
  launch(silu ? backward_kernel<kernels::Silu, T> : backward_kernel<kernels::Relu, T>,
         partial_rows(shape) * shape.channels, stream, shape, gy, x, scale, shift, mean, gz, partial);
  fold(stream, shape, partial, sums);
}

void slopes(Stream stream, Shape shape, bool training, const float* scale, const double* mean,
            const double* variance, double eps, const double* sums, float* slope, float* offset, float* gw,
            float* gb) {
  const double share = training ? 1.0 / static_cast<double>(shape.pixels) : 0.0;
  launch(slopes_kernel, shape.channels, stream, shape, share, scale, mean, variance, eps, sums, slope, offset,
         gw, gb);
}

template <class T>
void gradient(Stream stream, Shape shape, const T* gz, const T* x, const float* scale, const float* slope,
              const float* offset, T* gx) {
  launch(gradient_kernel<T>, shape.pixels * shape.channels, stream, shape, gz, x, scale, slope, offset, gx);
}

template <class T>
void backward_constant(Stream stream, Shape shape, bool silu, const T* gy, const T* x, const float* scale,
                       const float* shift, T* gx) {
  launch(silu ? backward_constant_kernel<kernels::Silu, T> : backward_constant_kernel<kernels::Relu, T>,
         shape.pixels * shape.channels, stream, shape, gy, x, scale, shift, gx);
}

template <class T>
void normalize(Stream stream, Shape shape, const float* x, const float* mean, const float* std, T* y) {
  launch(normalize_kernel<T>, shape.pixels * shape.channels, stream, shape, x, mean, std, y);
}

template <class T>
void normalize_backward(Stream stream, Shape shape, const T* gy, const float* std, float* gx) {
  launch(normalize_backward_kernel<T>, shape.pixels * shape.channels, stream, shape, gy, std, gx);
}

void projected_step(Stream stream, int64_t count, int64_t size, const float* x, const float* origin,
                    const float* gradient, const float* alpha, float eps, float* next) {
  launch(projected_step_kernel, count, stream, count, size, x, origin, gradient, alpha, eps, next);
}

void uniform(Stream stream, int64_t count, int64_t size, const kernels::CudaDraw& draw,
             const int64_t* indices, float low, float range, float* out) {
  launch(uniform_kernel, count * ((size + 3) / 4), stream, count, size, draw, indices, low, range, out);
}

template <class Pixel>
void read_through(Stream stream, const View& view, const Pixel* rows, float scale, float* out) {
  launch(read_through_kernel<Pixel>, view.count * view.height * view.width, stream, view, rows, scale, out);
}
template void read_through(Stream, const View&, const uint8_t*, float, float*);
template void read_through(Stream, const View&, const int8_t*, float, float*);

void write_through(Stream stream, const View& view, const float* values, float scale, int8_t* rows) {
  launch(write_through_kernel, view.count * view.height * view.width, stream, view, values, scale, rows);
}

const char* launch_error() {
#if defined(SELFGRAD_EMULATED_GRID)
  return nullptr;
#else
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
#endif
}

#define SELFGRAD_INSTANTIATE(T)                                                                              \
  template void pivots(Stream, Shape, const T*, float*);                                                     \
  template void moments(Stream, Shape, const T*, const float*, double*, double*);                            \
  template void forward(Stream, Shape, bool, const T*, const float*, const float*, T*);                      \
  template void backward(Stream, Shape, bool, const T*, const T*, const float*, const float*, const double*, \
                         T*, double*, double*);                                                              \
  template void gradient(Stream, Shape, const T*, const T*, const float*, const float*, const float*, T*);   \
  template void backward_constant(Stream, Shape, bool, const T*, const T*, const float*, const float*, T*);  \
  template void normalize(Stream, Shape, const float*, const float*, const float*, T*);                      \
  template void normalize_backward(Stream, Shape, const T*, const float*, float*);
SELFGRAD_INSTANTIATE(float)
SELFGRAD_INSTANTIATE(Bfloat16)
#undef SELFGRAD_INSTANTIATE

}  // namespace selfgrad::cuda
