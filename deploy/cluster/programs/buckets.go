package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"github.com/moby/sys/mountinfo"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/klog/v2"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// bucketDriver is the name of GKE's CSI driver for Cloud Storage, so that manifests for GKE need no change.
const bucketDriver = "gcsfuse.csi.storage.gke.io"

// bucketNode is the CSI driver of one node. A bucket is a folder of the machine, which it bind-mounts into pods.
type bucketNode struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedNodeServer
	// folder has a folder for each bucket.
	folder string
	// node is the name of the node.
	node string
}

// newBucketsCommand returns the command that runs the CSI driver of one node.
func newBucketsCommand() *cobra.Command {
	driver := &bucketNode{}
	var kubelet string
	command := &cobra.Command{
		Use:   "buckets",
		Short: "Serves folders as the buckets of " + bucketDriver + " on one node",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return serveBuckets(driver, kubelet)
		},
	}
	command.Flags().StringVar(&kubelet, "kubelet", "/var/lib/kubelet", "root folder of the kubelet")
	command.Flags().StringVar(&driver.folder, "folder", "", "folder that has a folder for each bucket")
	command.Flags().StringVar(&driver.node, "node", "", "name of the node")
	return command
}

// serveBuckets serves the driver, and its registration with the kubelet, until a signal.
func serveBuckets(driver *bucketNode, kubelet string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	endpoint := filepath.Join(kubelet, "plugins", bucketDriver, "csi.sock")
	driverListener, err := listen(endpoint)
	if err != nil {
		return err
	}
	// The kubelet watches this folder, and dials the endpoint as soon as the socket is there.
	registrarListener, err := listen(filepath.Join(kubelet, "plugins_registry", bucketDriver+"-reg.sock"))
	if err != nil {
		return errors.Join(err, driverListener.Close())
	}
	driverServer := grpc.NewServer()
	csi.RegisterIdentityServer(driverServer, driver)
	csi.RegisterNodeServer(driverServer, driver)
	registrarServer := grpc.NewServer()
	registration.RegisterRegistrationServer(registrarServer, bucketRegistrar{endpoint: endpoint})

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, driverServer, driverListener) })
	group.Go(func() error { return serve(ctx, registrarServer, registrarListener) })
	return group.Wait()
}

// listen listens on a Unix socket, and removes one that a killed process has left.
func listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", path)
}

// serve serves until the context ends.
func serve(ctx context.Context, server *grpc.Server, listener net.Listener) error {
	defer context.AfterFunc(ctx, server.Stop)()
	return server.Serve(listener)
}

func (*bucketNode) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: bucketDriver, VendorVersion: "0"}, nil
}

func (*bucketNode) GetPluginCapabilities(
	context.Context, *csi.GetPluginCapabilitiesRequest,
) (*csi.GetPluginCapabilitiesResponse, error) {
	return &csi.GetPluginCapabilitiesResponse{}, nil
}

func (*bucketNode) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{}, nil
}

func (b *bucketNode) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: b.node}, nil
}

func (*bucketNode) NodeGetCapabilities(
	context.Context, *csi.NodeGetCapabilitiesRequest,
) (*csi.NodeGetCapabilitiesResponse, error) {
	return &csi.NodeGetCapabilitiesResponse{}, nil
}

// NodePublishVolume mounts the bucket that the volume names. It is idempotent, as CSI wants.
func (b *bucketNode) NodePublishVolume(
	_ context.Context, request *csi.NodePublishVolumeRequest,
) (*csi.NodePublishVolumeResponse, error) {
	name, target := request.GetVolumeContext()["bucketName"], request.GetTargetPath()
	if !filepath.IsLocal(name) || name != filepath.Base(name) || name == "." {
		return nil, status.Errorf(codes.InvalidArgument, "bucketName is no name of a bucket: %q", name)
	}
	bucket := filepath.Join(b.folder, name)
	if _, err := os.Stat(bucket); err != nil {
		return nil, status.Errorf(codes.NotFound, "there is no bucket %s: %v", name, err)
	}
	if err := os.MkdirAll(target, 0o750); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	mounted, err := mountinfo.Mounted(target)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if mounted {
		return &csi.NodePublishVolumeResponse{}, nil
	}
	if err := bindMount(bucket, target, request.GetReadonly()); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	klog.Infof("published %s at %s, read-only: %v", name, target, request.GetReadonly())
	return &csi.NodePublishVolumeResponse{}, nil
}

// bindMount mounts a folder at another place. A bind mount takes read-only in a second step only.
func bindMount(source, target string, readOnly bool) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("cannot mount %s at %s: %w", source, target, err)
	}
	if !readOnly {
		return nil
	}
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		err = fmt.Errorf("cannot make %s read-only: %w", target, err)
		return errors.Join(err, unix.Unmount(target, unix.MNT_DETACH))
	}
	return nil
}

// NodeUnpublishVolume ends the mount and deletes its folder. It is idempotent, as CSI wants.
func (*bucketNode) NodeUnpublishVolume(
	_ context.Context, request *csi.NodeUnpublishVolumeRequest,
) (*csi.NodeUnpublishVolumeResponse, error) {
	target := request.GetTargetPath()
	// EINVAL: nothing is mounted there.
	if err := unix.Unmount(target, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		return nil, status.Errorf(codes.Internal, "cannot unmount %s: %v", target, err)
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// bucketRegistrar registers the driver with the kubelet.
type bucketRegistrar struct {
	registration.UnimplementedRegistrationServer
	endpoint string
}

func (r bucketRegistrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              bucketDriver,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

func (bucketRegistrar) NotifyRegistrationStatus(
	_ context.Context, result *registration.RegistrationStatus,
) (*registration.RegistrationStatusResponse, error) {
	if result.PluginRegistered {
		klog.Info("registered with the kubelet")
	} else {
		klog.Errorf("the kubelet refuses the driver: %s", result.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
