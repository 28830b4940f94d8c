// Handles of CUDA's libraries that LibTorch's CUDAContext.h names; the wheels with their headers are large,
// and nothing here calls them.
#pragma once

using cublasHandle_t = struct cublasContext*;
using cublasLtHandle_t = struct cublasLtContext*;
using cusparseHandle_t = struct cusparseContext*;
using cusolverDnHandle_t = struct cusolverDnContext*;

enum cublasStatus_t : int;
enum cusparseStatus_t : int;
enum cusolverStatus_t : int;
