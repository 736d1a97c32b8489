"""S2IDM, the Sememe-to-Interest Diffusion Model (Section 3.3)."""
